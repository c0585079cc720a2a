"""The Lambda functions, a folder each: parse the payload, call one step, serialise its result."""
