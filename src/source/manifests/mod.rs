//! Folders of manifests, one per cluster.
