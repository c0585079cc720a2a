"""The three stacks of a stage: data that stays, retraining, and serving."""
