//! Whom the generator trusts over TLS: the machine's own authorities, one more of the study's, or anybody.

use std::sync::Arc;

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        Resumption, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    server::ParsedCertificate,
};

use super::NoAnswer;
use crate::error::LoadError;

/// Whom to trust.
#[derive(Debug, Clone, Default)]
pub enum Trust {
    /// The authorities that this machine knows.
    #[default]
    Machine,
    /// Those, and the certificates of a PEM text.
    Also {
        /// Where the text is from, for messages.
        file: String,
        /// The text.
        pem: String,
    },
    /// Anybody: names and dates are not checked, signatures are.
    Anybody,
}

impl Trust {
    /// Settings of a client that offers HTTP/1.1 only.
    ///
    /// # Errors
    /// [`LoadError::Certificate`] if the PEM text holds no certificate.
    pub fn http1_client(&self) -> Result<Arc<ClientConfig>, LoadError> {
        self.client(b"http/1.1")
    }

    /// Settings of a client that offers HTTP/2 only.
    ///
    /// # Errors
    /// [`LoadError::Certificate`] if the PEM text holds no certificate.
    pub fn http2_client(&self) -> Result<Arc<ClientConfig>, LoadError> {
        self.client(b"h2")
    }

    fn client(&self, protocol: &[u8]) -> Result<Arc<ClientConfig>, LoadError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| LoadError::Certificate {
                file: String::new(),
                reason: error.to_string(),
            })?;
        let lenient = |authorities, these| {
            Arc::new(Lenient {
                authorities,
                these,
                provider: Arc::clone(&provider),
            })
        };
        let mut config = match self {
            Self::Anybody => builder
                .dangerous()
                .with_custom_certificate_verifier(lenient(None, Vec::new()))
                .with_no_client_auth(),
            Self::Machine => builder
                .with_root_certificates(machine_roots())
                .with_no_client_auth(),
            Self::Also { file, pem } => {
                let mut roots = machine_roots();
                let these = add(&mut roots, file, pem)?;
                let authorities =
                    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                        .build();
                let authorities = authorities.map_err(|error| LoadError::Certificate {
                    file: file.clone(),
                    reason: error.to_string(),
                })?;
                builder
                    .dangerous()
                    .with_custom_certificate_verifier(lenient(Some(authorities), these))
                    .with_no_client_auth()
            }
        };
        // Customers share these settings; none of them may save a handshake by what another one was given.
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![protocol.to_vec()];
        Ok(Arc::new(config))
    }
}

/// Gives clients of reqwest what they compute with; it panics without.
pub fn provide() {
    // If another one was given already, that one serves.
    let _ = ring::default_provider().install_default();
}

/// What a failed handshake says, with what can be done about it.
pub fn handshake_failed(error: &std::io::Error) -> NoAnswer {
    let reason = match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    {
        Some(rustls::Error::InvalidCertificate(wrong)) => certificate_refused(wrong),
        Some(
            rustls::Error::NoApplicationProtocol
            | rustls::Error::AlertReceived(rustls::AlertDescription::NoApplicationProtocol),
        ) => "the target does not speak this version of HTTP".to_owned(),
        Some(other) => other.to_string(),
        None => format!("the handshake failed: {error}"),
    };
    NoAnswer::new(NoAnswer::TLS, reason)
}

fn certificate_refused(wrong: &CertificateError) -> String {
    match wrong {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the target's certificate has expired; renew it, or use `insecure`".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the target's certificate is not valid yet".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the target's certificate is for another name than the URL's; use that name, or `insecure`"
                .to_owned()
        }
        CertificateError::UnknownIssuer => UNKNOWN.to_owned(),
        wrong if is_ca_as_end_entity(wrong) => UNKNOWN.to_owned(),
        other => format!("the target's certificate is not accepted: {other}"),
    }
}

const UNKNOWN: &str =
    "the target's certificate is signed by nobody who is trusted; name its file as `ca`, or use `insecure`";

/// Whether a certificate was refused only because it is its own authority, as those are that `openssl req
/// -x509` makes.
fn is_ca_as_end_entity(wrong: &CertificateError) -> bool {
    match wrong {
        CertificateError::Other(other) => {
            other.0.downcast_ref::<webpki::Error>() == Some(&webpki::Error::CaUsedAsEndEntity)
        }
        _ => false,
    }
}

/// More trusting than the authorities: accepts the very certificates that the study names, should they be
/// their own authority, or any at all. Signatures are checked in each case.
#[derive(Debug)]
struct Lenient {
    authorities: Option<Arc<WebPkiServerVerifier>>, // none where anybody is trusted
    these: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(authorities) = &self.authorities else {
            return Ok(ServerCertVerified::assertion());
        };
        match authorities.verify_server_cert(certificate, chain, name, ocsp, now) {
            // Dates are looked at before this, names after it.
            Err(rustls::Error::InvalidCertificate(wrong))
                if is_ca_as_end_entity(&wrong) && self.these.iter().any(|this| this == certificate) =>
            {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signed,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signed,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn machine_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // A machine without a store trusts nobody, and each handshake then says so.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn add(roots: &mut RootCertStore, file: &str, pem: &str) -> Result<Vec<CertificateDer<'static>>, LoadError> {
    let bad = |reason: String| LoadError::Certificate {
        file: file.to_owned(),
        reason,
    };
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| bad(error.to_string()))?;
        roots
            .add(certificate.clone())
            .map_err(|error| bad(error.to_string()))?;
        found.push(certificate);
    }
    if found.is_empty() {
        Err(bad("it holds no certificate in PEM form".to_owned()))
    } else {
        Ok(found)
    }
}
