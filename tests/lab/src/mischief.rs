//! What tests do to hosts: sshd and dockerd stopped, connections cut, disks filled.

use crate::error::Result;
use crate::host::{wait_ready, wait_service};
use crate::lab::Lab;
use crate::state::Host;

/// Rules that make a host unreachable without it noticing, as a cut cable does.
const CUT: [[&str; 5]; 2] = [["INPUT", "-i", "eth0", "-j", "DROP"], ["OUTPUT", "-o", "eth0", "-j", "DROP"]];

impl Lab {
    /// Stops the listening sshd; sessions that are open go on.
    ///
    /// # Errors
    /// When the host does not run.
    pub fn stop_sshd(&self, host: &Host) -> Result<()> {
        self.exec_ok(host, &["lab-service", "stop", "sshd"]).map(drop)
    }

    /// Starts sshd and waits until it listens.
    ///
    /// # Errors
    /// When it does not get ready.
    pub fn start_sshd(&self, host: &Host) -> Result<()> {
        self.exec_ok(host, &["lab-service", "start", "sshd"])?;
        wait_service(&self.engine, &host.container, "sshd")
    }

    /// Ends every open SSH connection of a host at once (no goodbye on the SSH level); sshd goes
    /// on listening. Returns how many processes were ended.
    ///
    /// # Errors
    /// When the host does not run.
    pub fn kill_connections(&self, host: &Host) -> Result<usize> {
        let killed = self.exec(host, &["pkill", "-KILL", "-c", "-f", "^sshd-(session|auth)"])?;
        let count = String::from_utf8_lossy(&killed.stdout);
        Ok(count.trim().parse().unwrap_or(0))
    }

    /// Ends sshd with all its connections and starts it again.
    ///
    /// # Errors
    /// When it does not get ready.
    pub fn restart_sshd(&self, host: &Host) -> Result<()> {
        self.stop_sshd(host)?;
        self.kill_connections(host)?;
        self.start_sshd(host)
    }

    /// Stops dockerd; its containers stop with it.
    ///
    /// # Errors
    /// When the host does not run.
    pub fn stop_docker(&self, host: &Host) -> Result<()> {
        self.exec_ok(host, &["lab-service", "stop", "docker"]).map(drop)
    }

    /// Starts dockerd and waits until it answers.
    ///
    /// # Errors
    /// When it does not get ready.
    pub fn start_docker(&self, host: &Host) -> Result<()> {
        self.exec_ok(host, &["lab-service", "start", "docker"])?;
        wait_service(&self.engine, &host.container, "docker")
    }

    /// Starts one more engine on a host, for the user `deploy` without root's rights; returns its
    /// socket. It ends with the host.
    ///
    /// # Errors
    /// When it does not get ready.
    pub fn start_rootless(&self, host: &Host) -> Result<&'static str> {
        self.start_another(host, "rootless").map(|()| "/run/user/1000/docker.sock")
    }

    /// Starts another engine of root's on a host, whose images are containerd's as on a fresh
    /// installation of Docker 29 and later; returns its socket. It has no rules in the firewall, so
    /// nothing that it publishes is reached from outside. It ends with the host.
    ///
    /// # Errors
    /// When it does not get ready.
    pub fn start_containerd_store(&self, host: &Host) -> Result<&'static str> {
        self.start_another(host, "containerd-store").map(|()| "/run/docker-store.sock")
    }

    /// Starts podman's imitation of the engine's API on a host; returns its socket. It ends with
    /// the host.
    ///
    /// # Errors
    /// When it does not get ready.
    pub fn start_podman(&self, host: &Host) -> Result<&'static str> {
        self.start_another(host, "podman").map(|()| "/run/podman/podman.sock")
    }

    fn start_another(&self, host: &Host, service: &str) -> Result<()> {
        self.exec_ok(host, &["lab-service", "start", service])?;
        wait_service(&self.engine, &host.container, service)
    }

    /// Stops everything on a host at once, as a power cut does, starts it again and waits until it
    /// can be used. What was in `/run` is gone; files, volumes, keys and the address stay.
    ///
    /// # Errors
    /// When it does not get ready.
    pub fn reboot(&self, host: &Host) -> Result<()> {
        self.engine.docker(&["restart", "--time", "0", &host.container])?;
        wait_ready(&self.engine, &host.container)
    }

    /// Drops every packet from and to a host; what it has open just falls silent.
    ///
    /// # Errors
    /// When the host does not run.
    pub fn cut(&self, host: &Host) -> Result<()> {
        self.change_cut(host, "-I")
    }

    /// Ends [`Lab::cut`].
    ///
    /// # Errors
    /// When the host was not cut.
    pub fn restore(&self, host: &Host) -> Result<()> {
        self.change_cut(host, "-D")
    }

    fn change_cut(&self, host: &Host, action: &str) -> Result<()> {
        for rule in CUT {
            let mut line = vec!["iptables", "-w", action];
            line.extend(rule);
            self.exec_ok(host, &line)?;
        }
        Ok(())
    }

    /// Freezes every process of a host; the kernel still takes connections for it.
    ///
    /// # Errors
    /// When the host does not run.
    pub fn pause(&self, host: &Host) -> Result<()> {
        self.engine.docker(&["pause", &host.container]).map(drop)
    }

    /// Ends [`Lab::pause`].
    ///
    /// # Errors
    /// When the host was not paused.
    pub fn unpause(&self, host: &Host) -> Result<()> {
        self.engine.docker(&["unpause", &host.container]).map(drop)
    }

    /// Makes `path` on a host a file system of its own with this many bytes, to be filled; it and
    /// what is in it is gone when the value is dropped.
    ///
    /// # Errors
    /// When it cannot be mounted.
    pub fn small_disk<'a>(&'a self, host: &'a Host, path: &str, bytes: u64) -> Result<SmallDisk<'a>> {
        let options = format!("size={bytes},mode=1777");
        self.exec_ok(host, &["mkdir", "-p", path])?;
        self.exec_ok(host, &["mount", "-t", "tmpfs", "-o", &options, "lab-disk", path])?;
        Ok(SmallDisk { lab: self, host, path: path.to_owned() })
    }
}

/// A small file system on a host, see [`Lab::small_disk`].
#[derive(Debug)]
pub struct SmallDisk<'a> {
    lab: &'a Lab,
    host: &'a Host,
    path: String,
}

impl SmallDisk<'_> {
    /// Fills what is left of it.
    ///
    /// # Errors
    /// When the host does not run.
    pub fn fill(&self) -> Result<()> {
        let file = format!("of={}/.filler", self.path);
        // dd ends with an error, which is the point: no byte is left.
        self.lab.exec(self.host, &["dd", "if=/dev/zero", &file, "bs=4096", "status=none"]).map(drop)
    }

    /// Makes room again after [`SmallDisk::fill`].
    ///
    /// # Errors
    /// When the host does not run.
    pub fn empty(&self) -> Result<()> {
        let file = format!("{}/.filler", self.path);
        self.lab.exec_ok(self.host, &["rm", "-f", &file]).map(drop)
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = self.lab.exec(self.host, &["umount", "-l", &self.path]);
    }
}
