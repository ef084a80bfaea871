//! Processes and cores: pinning, CPU time, memory.
//!
//! In: a process id. Out: figures of `/proc`. CPU is the run time of the scheduler, which holds the softirq work done on
//! a thread's back (this is how a server pays for the kernel's UDP path).

use std::fs;
use std::io;
use std::mem::zeroed;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// CPU time of all threads of a process.
pub fn cpu(pid: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let run_time = |thread: fs::DirEntry| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    };
    Duration::from_nanos(threads.filter_map(run_time).sum())
}

/// Name and CPU time of each thread of a process.
pub fn threads(pid: u32) -> Vec<(String, Duration)> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let figure = |thread: fs::DirEntry| {
        let name = fs::read_to_string(thread.path().join("comm")).ok()?;
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        let nanos = text.split(' ').next()?.parse::<u64>().ok()?;
        Some((name.trim().to_owned(), Duration::from_nanos(nanos)))
    };
    threads.filter_map(figure).collect()
}

/// A process and all that it has started, directly or not (NSD answers from a child).
pub fn family(pid: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let parent = |process: fs::DirEntry| {
        let child: u32 = process.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(process.path().join("stat")).ok()?;
        let parent: u32 = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
        Some((child, parent))
    };
    let pairs: Vec<(u32, u32)> = processes.filter_map(parent).collect();
    let (mut all, mut next) = (vec![pid], 0);
    while let Some(of) = all.get(next).copied() {
        all.extend(pairs.iter().filter(|(_, parent)| *parent == of).map(|(child, _)| *child));
        next += 1;
    }
    all
}

/// CPU time including that of threads that have ended, in steps of 10 ms.
pub fn cpu_whole_life(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let ticks: u64 = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// `VmRSS` and `VmHWM` (the most it ever was), in MiB.
pub fn memory(pid: u32) -> (f64, f64) {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let mib = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
        line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
    };
    (mib("VmRSS:"), mib("VmHWM:"))
}

/// Cores this process may use.
pub fn cores() -> Vec<usize> {
    // SAFETY: cpu_set_t is plain octets; all zero is the empty set.
    let mut set: libc::cpu_set_t = unsafe { zeroed() };
    // SAFETY: the set is of the size passed; pid 0 is this thread.
    if unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) } != 0 {
        return Vec::new();
    }
    // SAFETY: the index is below CPU_SETSIZE.
    (0..libc::CPU_SETSIZE as usize).filter(|core| unsafe { libc::CPU_ISSET(*core, &set) }).collect()
}

/// Pins the calling thread, and what it starts from now on, to one core.
pub fn pin(core: usize) -> io::Result<()> {
    // SAFETY: cpu_set_t is plain octets; all zero is the empty set.
    let mut set: libc::cpu_set_t = unsafe { zeroed() };
    // SAFETY: CPU_SET ignores a core beyond the set's size.
    unsafe { libc::CPU_SET(core, &mut set) };
    // SAFETY: the set is of the size passed; pid 0 is this thread.
    match unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Runs every thread of a process before all ordinary ones of its core (SCHED_FIFO), so that a latency is the server's own.
///
/// # Errors
/// It is not permitted.
pub fn first_on_its_core(pid: u32) -> io::Result<()> {
    // SAFETY: sched_param is plain numbers.
    let mut order: libc::sched_param = unsafe { zeroed() };
    order.sched_priority = 1;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
        let Some(id) = thread.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // SAFETY: the pointer is to a whole sched_param that lives through the call.
        if unsafe { libc::sched_setscheduler(id, libc::SCHED_FIFO, &raw const order) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Takes back what [`Running::start`] gave a process before others.
pub fn share_core_equally(pid: u32) {
    let _ = fs::write(format!("/proc/{pid}/autogroup"), "0");
}

/// The same command, ended by the kernel with the thread that starts it, even when this process is killed: under
/// `setpriv` of util-linux, which becomes the program. Without such a `setpriv` the command as it is. Streams are set afterwards.
pub fn mortal(command: Command) -> Command {
    let ending = ["--pdeathsig", "KILL", "--"];
    let mut probe = Command::new("setpriv");
    probe.args(ending).arg("true").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if !probe.status().is_ok_and(|status| status.success()) {
        return command;
    }
    let mut mortal = Command::new("setpriv");
    mortal.args(ending).arg(command.get_program()).args(command.get_args());
    mortal.envs(command.get_envs().filter_map(|(key, value)| Some((key, value?))));
    mortal
}

/// Id and name of a process that holds a UDP port over IPv4, as far as this user may know.
pub fn holder(port: u16) -> Option<(u32, String)> {
    let table = fs::read_to_string("/proc/net/udp").ok()?;
    let inode = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, local) = fields.get(1)?.split_once(':')?;
        (u16::from_str_radix(local, 16).ok()? == port).then(|| format!("socket:[{}]", fields.get(9).unwrap_or(&"")))
    };
    let sockets: Vec<String> = table.lines().filter_map(inode).collect();
    let holds = |folder: &Path| {
        let open = fs::read_dir(folder.join("fd")).into_iter().flatten().flatten();
        let targets = open.filter_map(|open| fs::read_link(open.path()).ok());
        targets.filter_map(|target| target.into_os_string().into_string().ok()).any(|target| sockets.contains(&target))
    };
    let processes = fs::read_dir("/proc").ok()?.flatten().map(|process| process.path());
    processes.filter(|folder| !sockets.is_empty() && holds(folder)).find_map(|folder| {
        let name = fs::read_to_string(folder.join("comm")).unwrap_or_default();
        Some((folder.file_name()?.to_str()?.parse().ok()?, name.trim().to_owned()))
    })
}

/// A child that ends with this value.
pub struct Running(Child);

impl Running {
    /// Starts `command` on one core, in a session (and so a scheduler autogroup) of its own.
    pub fn start(command: &mut Command, core: usize) -> io::Result<Self> {
        // SAFETY: between fork and exec only two system calls are made; nothing allocates or locks.
        unsafe {
            command.pre_exec(move || {
                libc::setsid();
                pin(core)
            })
        };
        let child = command.spawn()?;
        // Raises the child's share against other work on the machine; not permitted everywhere, and then without.
        let _ = fs::write(format!("/proc/{}/autogroup", child.id()), "-10");
        Ok(Running(child))
    }

    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Sends a signal to this process alone.
    pub fn signal(&self, signal: libc::c_int) -> io::Result<()> {
        // SAFETY: kill takes two numbers; the child is not waited for yet, so the id is its own.
        match unsafe { libc::kill(self.pid() as libc::pid_t, signal) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// The exit status if it has ended.
    pub fn ended(&mut self) -> Option<std::process::ExitStatus> {
        self.0.try_wait().ok().flatten()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended().is_none() {
            // It leads a group of its own since `start`: a server of several processes ends whole.
            // SAFETY: kill takes two numbers; the child is not waited for yet, so the id is its own.
            unsafe { libc::kill(-(self.pid() as libc::pid_t), libc::SIGKILL) };
        }
        let _ = self.0.wait();
    }
}

/// Waits until a descriptor can be read or `timeout` is over; true when one can.
pub fn wait_readable(descriptors: &mut [libc::pollfd], timeout: Duration) -> bool {
    let timeout = libc::timespec { tv_sec: timeout.as_secs() as _, tv_nsec: timeout.subsec_nanos() as _ };
    // SAFETY: the pointer and the count are those of one slice; no signal mask is passed.
    let ready = unsafe {
        libc::ppoll(descriptors.as_mut_ptr(), descriptors.len() as libc::nfds_t, &raw const timeout, std::ptr::null())
    };
    ready > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn reads_this_process() {
        let pid = std::process::id();
        assert!(memory(pid).0 > 1.0 && memory(pid).1 >= memory(pid).0);
        assert!(cpu(pid) > Duration::ZERO, "schedstat is needed for every figure");
        assert!(!cores().is_empty());
    }

    #[test]
    fn the_holder_of_a_port_is_found() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        assert_eq!(holder(port).map(|(pid, _)| pid), Some(std::process::id()));
    }

    #[test]
    fn a_mortal_command_runs_as_it_was_and_ends_with_its_thread() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo $GREETING; exec sleep 60"]).env("GREETING", "as it was");
        let mut command = mortal(command);
        let wrapped = command.get_program() == "setpriv";
        let mut child = std::thread::spawn(move || {
            let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
            let mut said = [0; 9];
            child.stdout.take().unwrap().read_exact(&mut said).unwrap();
            assert_eq!(&said, b"as it was");
            child
        })
        .join()
        .unwrap();
        // Where there is no such `setpriv` it goes on.
        if wrapped {
            assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
        }
        let _ = child.kill();
        let _ = child.wait();
    }

    #[test]
    fn a_family_holds_its_children() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & wait"]);
        let running = Running::start(&mut command, cores()[0]).unwrap();
        let end = std::time::Instant::now() + Duration::from_secs(10);
        while family(running.pid()).len() < 2 && std::time::Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
        let family = family(running.pid());
        assert_eq!(family.len(), 2, "the shell and what it started: {family:?}");
        drop(running);
        let gone = |pid: &u32| !std::path::Path::new(&format!("/proc/{pid}/fd/0")).exists();
        while !family.iter().all(gone) && std::time::Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(family.iter().all(gone), "both have ended");
    }
}
