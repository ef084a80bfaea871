//! Tests of the set of clusters.
