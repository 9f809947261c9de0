//! Heat templates, resolved without Heat.

pub mod yaql;
