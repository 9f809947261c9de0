//! The command line, and deploy, which conducts the others
