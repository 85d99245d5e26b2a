//! The TLS listener's identity.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::options::Tls;

/// Reads the PEM files. HTTP/1.1 only: with HTTP/2 a client may join connections that Apple's partitions refuse
/// (protocol/auth.md §6.2).
pub fn acceptor(options: &Tls) -> io::Result<TlsAcceptor> {
    let chain = rustls_pemfile::certs(&mut open(&options.cert)?).collect::<Result<Vec<_>, _>>()?;
    let key = rustls_pemfile::private_key(&mut open(&options.key)?)?
        .ok_or_else(|| io::Error::other(format!("{} holds no private key", options.key.display())))?;
    let mut config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn open(path: &Path) -> io::Result<BufReader<File>> {
    let named = |error| io::Error::other(format!("{}: {error}", path.display()));
    File::open(path).map(BufReader::new).map_err(named)
}
