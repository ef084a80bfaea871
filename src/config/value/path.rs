//! Paths of files, and of URLs.

use super::super::shape::Shape;
use super::{Scalar, refuse};
use std::path::{Path, PathBuf};

/// A path, relative to the file that names it; empty when none is set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilePath(PathBuf);

impl FilePath {
    /// Wraps a path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        FilePath(path.into())
    }

    /// The path; `None` when none is set.
    pub fn get(&self) -> Option<&Path> {
        Some(self.0.as_path()).filter(|path| !path.as_os_str().is_empty())
    }
}

impl Scalar for FilePath {
    fn schema() -> Shape {
        Shape::Leaf(
            serde_json::json!({ "type": "string", "description": "a path, relative to the configuration file" }),
        )
    }

    fn parse(text: &str) -> Result<Self, (String, String)> {
        String::parse(text).map(|path| FilePath(path.into()))
    }

    fn text(&self) -> String {
        self.0.display().to_string()
    }

    fn resolved(self, resolve: impl Fn(&str) -> PathBuf) -> Self {
        match self.0.to_str() {
            Some(path) if !path.is_empty() => FilePath(resolve(path)),
            _ => self,
        }
    }
}

/// The path of an HTTP probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthPath(String);

impl HealthPath {
    /// A default.
    pub(in crate::config) fn known(path: &'static str) -> Self {
        HealthPath(path.to_owned())
    }

    /// With its leading slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Scalar for HealthPath {
    fn schema() -> Shape {
        Shape::text("^/[!-~]*$", "a path that begins with a slash")
    }

    fn parse(text: &str) -> Result<Self, (String, String)> {
        if !text.starts_with('/') || !text.bytes().all(|octet| octet.is_ascii_graphic()) {
            return refuse("is not a path of a URL", "begin it with a slash and leave out spaces");
        }
        Ok(HealthPath(text.to_owned()))
    }

    fn text(&self) -> String {
        self.0.clone()
    }
}
