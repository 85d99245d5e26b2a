use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

/// The names that Apple's certificates cover and the clients have compiled in (protocol/auth.md §9).
const NAMES: [&str; 9] = [
    "idmsa.apple.com",
    "idmsa.apple.com.cn",
    "setup.icloud.com",
    "www.icloud.com",
    "*.icloud.com",
    "*.icloud.com.cn",
    "*.icloud-content.com",
    "*.icloud-content.com.cn",
    "*.apple.com",
];

/// A certificate authority that lives as long as its folder, and one server certificate for Apple's names.
pub struct Authority {
    /// The authority's own certificate: what a client is told to trust.
    pub trusted: PathBuf,
    /// The server's certificate, PEM.
    pub certificate: PathBuf,
    /// The server's private key, PEM.
    pub key: PathBuf,
}

impl Authority {
    pub fn create(folder: &Path) -> Self {
        let issuer = issuer();
        let key = KeyPair::generate().expect("a server key");
        let leaf = server().signed_by(&key, &issuer).expect("a server certificate");
        Self {
            trusted: write(folder, "authority.pem", &issuer.pem()),
            certificate: write(folder, "server.pem", &leaf.pem()),
            key: write(folder, "server.key", &key.serialize_pem()),
        }
    }
}

fn issuer() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "photosfs tests, not Apple");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("an authority's key")).expect("an authority")
}

/// Python 3.13 and later refuse a certificate that does not name its issuer's key.
fn server() -> CertificateParams {
    let mut params = CertificateParams::new(NAMES.map(String::from)).expect("Apple's names are valid");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

fn write(folder: &Path, name: &str, pem: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, pem).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
    path
}
