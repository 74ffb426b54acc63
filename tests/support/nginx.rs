//! Debian's nginx with a configuration of the test's own, out of a temporary folder.

use std::{
    fs,
    net::SocketAddr,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use nix::{
    sys::{
        resource::{Resource, getrlimit},
        signal::{Signal, killpg},
    },
    unistd::Pid,
};

use super::wait_for_listener;

/// nginx while it runs. Killed when dropped, workers and all.
pub struct Nginx {
    child: Child,
    folder: PathBuf,
    address: SocketAddr,
}

impl Nginx {
    /// Starts nginx in `folder` with these lines in its `http` block, which must listen at `address`.
    pub fn start(folder: &Path, address: SocketAddr, http: &str) -> Self {
        let configuration = format!(
            "daemon off;\nworker_processes 1;\nworker_rlimit_nofile {1};\npid {0}/nginx.pid;\n\
             error_log stderr crit;\nevents {{ worker_connections 20000; }}\n\
             http {{\naccess_log off;\nkeepalive_requests 100000000;\nkeepalive_timeout 600s;\n\
             client_body_temp_path {0}/1;\nproxy_temp_path {0}/2;\n\
             fastcgi_temp_path {0}/3;\nuwsgi_temp_path {0}/4;\nscgi_temp_path {0}/5;\n{http}\n}}\n",
            folder.display(),
            // As many as the machine allows without asking for more.
            getrlimit(Resource::RLIMIT_NOFILE).map_or(1_024, |(_, hard)| hard.min(40_000))
        );
        fs::write(folder.join("nginx.conf"), configuration).expect("a temporary folder");
        let nginx = Self {
            child: spawn(folder),
            folder: folder.to_owned(),
            address,
        };
        wait_for_listener(address, true);
        nginx
    }

    /// A server that answers every request with a short text.
    pub fn plain(folder: &Path, address: SocketAddr) -> Self {
        Self::start(
            folder,
            address,
            &format!(
                "server {{ listen {address} backlog=16384; location / {{ return 200 \"hello\\n\"; }} }}"
            ),
        )
    }

    /// Kills master and workers at once: nothing is closed in order.
    pub fn kill(&mut self) {
        // They may be gone already.
        let _ = killpg(Pid::from_raw(self.child.id() as i32), Signal::SIGKILL);
        let _ = self.child.wait();
    }

    /// Starts it again after it was killed, at the same address.
    pub fn restart(&mut self) {
        self.child = spawn(&self.folder);
        wait_for_listener(self.address, true);
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(folder: &Path) -> Child {
    let program = ["/usr/sbin/nginx", "/usr/local/sbin/nginx"]
        .into_iter()
        .find(|path| Path::new(path).is_file())
        .unwrap_or("nginx");
    Command::new(program)
        .args(["-e", "stderr", "-p"])
        .arg(folder)
        .arg("-c")
        .arg(folder.join("nginx.conf"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("nginx runs (tests/run installs it)")
}
