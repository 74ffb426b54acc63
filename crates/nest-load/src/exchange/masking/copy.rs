//! Passes bytes on with secrets masked, as they come.

use std::io::{self, Read, Write};

use super::{Masker, TextEnd};

/// Bytes that are read at once.
const AT_ONCE: usize = 64 << 10;
/// Bytes at the end of those that were read in which a secret may begin that goes on in the next ones. Our
/// choice: a key of 1,300 letters still fits if each of them is written by three.
const HELD_BACK: usize = 4 << 10;

impl Masker {
    /// Copies everything with secrets masked, each line as soon as it is whole and no secret can go on in the
    /// next one. Returns how many bytes were read.
    ///
    /// # Errors
    /// What the system says of reading or writing.
    pub fn copy(&self, from: &mut impl Read, to: &mut impl Write) -> io::Result<u64> {
        if self.is_empty() {
            return io::copy(from, to);
        }
        let (mut held, mut all, mut buffer) = (Vec::new(), 0, vec![0; AT_ONCE]);
        loop {
            let read = match from.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            all += read as u64;
            held.extend_from_slice(&buffer[..read]);
            let end = if read == 0 {
                held.len()
            } else {
                self.passable(&held)
            };
            to.write_all(&self.masked(&held[..end], TextEnd::Whole))?;
            held.drain(..end);
            if read == 0 {
                return Ok(all);
            }
        }
    }

    /// How much of a text can be passed on before its end is known: whole lines, or all but the end of a long
    /// one, or of all lines where a secret may stand on several.
    fn passable(&self, held: &[u8]) -> usize {
        let least = if self.may_span_lines { HELD_BACK } else { AT_ONCE };
        if !self.may_span_lines
            && let Some(line_end) = held.iter().rposition(|byte| *byte == b'\n')
        {
            return line_end + 1;
        }
        if held.len() < least {
            return 0;
        }
        let end = held.len() - HELD_BACK;
        let across = |range: &std::ops::Range<usize>| range.start < end && end < range.end;
        let secrets = self.secrets_in(held, TextEnd::Whole);
        secrets.into_iter().find(across).map_or(end, |range| range.start)
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::*;

    /// Gives a text in pieces of one length.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(self.0.len()).min(out.len());
            out[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    #[test]
    fn a_secret_is_masked_wherever_it_is_cut_into_pieces() {
        let masker = Masker::new([b"token/4711".as_slice()]);
        let line = "GET /?t=token%2F4711 200\n".repeat(20);
        let long = "x".repeat(AT_ONCE - HELD_BACK - 5) + &"token/4711,".repeat(2_000);
        for (text, masked) in [
            (&line, line.replace("token%2F4711", "***")),
            (&long, long.replace("token/4711", "***")),
        ] {
            for length in [1, 7, 4_096, AT_ONCE - 3, AT_ONCE] {
                if length == 1 && text.len() > AT_ONCE {
                    continue; // takes long, and shows the same
                }
                let mut out = Vec::new();
                let read = masker
                    .copy(&mut Pieces(text.as_bytes(), length), &mut out)
                    .expect("memory");
                assert_eq!(read, text.len() as u64);
                assert_eq!(String::from_utf8_lossy(&out), masked, "{length}");
            }
        }
    }

    #[test]
    fn a_secret_on_several_lines_is_masked_as_a_whole() {
        let key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END KEY-----\n";
        let token = "tok-0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789";
        let broken: Vec<u8> = STANDARD
            .encode(token)
            .as_bytes()
            .chunks(76)
            .flat_map(|line| [line, b"\n"].concat())
            .collect();
        let masker = Masker::new([key.as_bytes(), token.as_bytes()]);
        let text = format!("key:\n{key}token:\n{}end\n", String::from_utf8_lossy(&broken)).repeat(100);
        for length in [1, 20, 4_096, AT_ONCE] {
            let mut out = Vec::new();
            masker
                .copy(&mut Pieces(text.as_bytes(), length), &mut out)
                .expect("memory");
            let out = String::from_utf8_lossy(&out);
            assert!(!out.contains("MIIE") && out.contains("key:"), "{length}: {out}");
            let first_line = String::from_utf8_lossy(&broken[4..40]).into_owned();
            assert!(
                !out.contains(&first_line) && out.ends_with("end\n"),
                "{length}: {out}"
            );
        }
    }
}
