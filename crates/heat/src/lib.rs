//! Heat templates, resolved without Heat.
