//! A Kolla tree and its overrides, rendered, ordered into a build graph, and built
