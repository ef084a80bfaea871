//! Tests of the facts.
