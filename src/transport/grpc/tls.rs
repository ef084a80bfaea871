//! Certificate, key and client CA of the gRPC listeners (`tls.grpc`).

use crate::transport::bind::BindError;
use crate::transport::settings::TlsFiles;
use std::path::Path;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};

/// Reads the files and tries them, so that a mistake shows at start.
///
/// # Errors
/// [`BindError::Tls`] with the file and the reason; never with its content.
pub fn tls_config(files: &TlsFiles, deadline: std::time::Duration) -> Result<ServerTlsConfig, BindError> {
    let identity = Identity::from_pem(read(&files.certificate)?, read(&files.key)?);
    let mut config = ServerTlsConfig::new().identity(identity).timeout(deadline);
    if let Some(path) = &files.client_ca {
        config = config.client_ca_root(Certificate::from_pem(read(path)?));
    }
    Server::builder().tls_config(config.clone()).map_err(|error| {
        let mut reason = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            reason = format!("{reason}: {cause}");
            source = cause.source();
        }
        let client_ca = files.client_ca.iter().map(|path| format!(", {}", path.display())).collect::<String>();
        let path = format!("{}, {}{client_ca}", files.certificate.display(), files.key.display());
        BindError::Tls { path, reason }
    })?;
    Ok(config)
}

fn read(path: &Path) -> Result<Vec<u8>, BindError> {
    std::fs::read(path).map_err(|error| BindError::Tls { path: path.display().to_string(), reason: error.to_string() })
}
