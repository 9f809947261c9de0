//! config.json: its model, checks, writing, and applying it inside a container
