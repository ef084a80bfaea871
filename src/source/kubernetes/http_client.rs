//! The HTTP client below kube's: its own stack with a bound on what a connection keeps for reading.
//!
//! In: kube's configuration. Out: a client of it. hyper doubles the buffer of a connection up to 400 KiB while a long list comes
//! in, and the watch that takes the connection over keeps it: with 100 clusters of ten kinds that was a hundred megabytes.

use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ClientBuilder, ConfigExt};
use kube::{Client, Config};
use tower_http::decompression::DecompressionLayer;

/// Octets read at once: a record of TLS at its longest (RFC 8446 section 5.1). The head of a response must fit in too.
const READ: usize = 16 << 10;

/// Builds the client; inside a tokio runtime. Through a proxy it is kube's own. Credentials that go into a header are not its
/// matter (`token`), nor is a retry.
///
/// # Errors
/// Certificates, key or proxy cannot be used.
pub(super) fn client(config: Config) -> kube::Result<Client> {
    if config.proxy_url.is_some() {
        return Client::try_from(config);
    }
    let mut plain = HttpConnector::new();
    plain.enforce_http(false);
    let mut connector = TimeoutConnector::new(config.rustls_https_connector_with_connector(plain)?);
    connector.set_connect_timeout(config.connect_timeout);
    connector.set_read_timeout(config.read_timeout);
    connector.set_write_timeout(config.write_timeout);
    connector.set_reset_reader_on_write(config.reset_reader_on_write);
    let http: legacy::Client<_, Body> =
        legacy::Builder::new(TokioExecutor::new()).http1_max_buf_size(READ).build(connector);
    let unpacked = DecompressionLayer::new().gzip(!config.disable_compression).no_br().no_deflate().no_zstd();
    let builder = ClientBuilder::new(http, config.default_namespace.clone());
    Ok(builder.with_layer(&unpacked).with_layer(&config.base_uri_layer()).build())
}
