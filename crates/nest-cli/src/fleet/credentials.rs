//! User and password for a NATS server: from the environment, or from a file that only its owner may read.

use std::{os::unix::fs::PermissionsExt, path::Path};

use crate::{
    args::BrokerArguments,
    command_error::{CommandError, INVALID, USAGE},
    files::{bounded::TEXT_BYTES, bytes_of, cannot},
};

/// Variables of the environment that hold them.
const USER: &str = "NEST_NATS_USER";
const PASSWORD: &str = "NEST_NATS_PASSWORD";

/// User and password for a NATS server.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub user: String,
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Credentials of {:?}", self.user) // not the password
    }
}

impl Credentials {
    /// From the file that the arguments name, otherwise from the environment.
    pub fn of(arguments: &BrokerArguments) -> Result<Self, CommandError> {
        if let Some(file) = &arguments.credentials {
            return Self::in_file(file);
        }
        match (std::env::var(USER), std::env::var(PASSWORD)) {
            (Ok(user), Ok(password)) => Ok(Self { user, password }),
            _ => Err(CommandError::new(
                USAGE,
                format!("no credentials for the NATS server: {USER} and {PASSWORD} are not both set"),
            )
            .hint("export both, or give --credentials FILE")),
        }
    }

    fn in_file(path: &Path) -> Result<Self, CommandError> {
        let metadata = std::fs::metadata(path).map_err(|error| cannot("read", path, error))?;
        let others = metadata.permissions().mode() & 0o077;
        if others != 0 {
            let message = format!("others may read or change the credentials in {}", path.display());
            return Err(CommandError::new(USAGE, message).hint(format!("run `chmod 600 {}`", path.display())));
        }
        let text = String::from_utf8(bytes_of(path, TEXT_BYTES)?).unwrap_or_default();
        Self::read(&text).ok_or_else(|| {
            let message = format!("{} does not hold a user and a password", path.display());
            CommandError::new(INVALID, message)
                .hint("write the user on the first line, the password on the second")
        })
    }

    /// From two lines.
    fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines().map(str::trim);
        let (user, password) = (lines.next()?, lines.next()?);
        let is_all = lines.all(str::is_empty);
        (is_all && !user.is_empty() && !password.is_empty()).then(|| Self {
            user: user.to_owned(),
            password: password.to_owned(),
        })
    }

    /// As a file holds them.
    pub fn text(&self) -> String {
        format!("{}\n{}\n", self.user, self.password)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_two_lines_in_a_file_of_ones_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("worker");
        std::fs::write(&path, "worker\ntoken-4711\n").expect("written");
        let mode = |mode| {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
            Credentials::in_file(&path)
        };
        let refused = mode(0o640).expect_err("others may read it");
        assert_eq!(refused.code, USAGE);
        let read = mode(0o600).expect("only we may read it");
        assert_eq!(
            (read.user.as_str(), read.password.as_str()),
            ("worker", "token-4711")
        );
        assert!(!format!("{read:?}").contains("4711"));
        assert_eq!(Credentials::read(&read.text()), Some(read));
        for odd in ["", "worker", "worker\n\n", "a\nb\nc\n"] {
            assert_eq!(Credentials::read(odd), None, "{odd:?}");
        }
    }
}
