"""The local cloud: AWS's APIs on a laptop, from MiniStack and the services that it lacks."""
