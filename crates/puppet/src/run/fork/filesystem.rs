//! A file system of its own for one run, put into the mount namespace of a container that stays.
//!
//! It is what the engine would have given a container of the run's own: the image's layers with a
//! fresh one over them, the container's mounts, and the run's folders. It takes a root on the
//! engine's own host, and gives the container no privilege: what is mounted is mounted from here.
//!
//! All system calls on namespaces are in this file.

use std::fs::Metadata;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags,
};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space};
use tokio::sync::oneshot;

use crate::run::container::{IN, OUT};

mod mountinfo;

use mountinfo::Mounts;

/// Where the container finds the run's file system.
const WORLD: &str = "/slipway/world";

/// A container of this host, as seen from the outside.
pub struct World {
    plan: Arc<Plan>,
    namespace: OwnedFd,
}

/// What each run's file system is made of.
struct Plan {
    mounts: Mounts,
    /// Files that the container could write to, such as `/etc/hosts`: each run gets its own.
    files: Vec<Own>,
}

/// A file as the engine has mounted it.
struct Own {
    path: PathBuf,
    content: Vec<u8>,
    metadata: Metadata,
}

/// Why a run cannot have a file system of its own in a container.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action}: {source}")]
pub struct Impossible {
    action: &'static str,
    source: io::Error,
}

trait To<T> {
    fn to(self, action: &'static str) -> Result<T, Impossible>;
}

impl<T, E: Into<io::Error>> To<T> for Result<T, E> {
    fn to(self, action: &'static str) -> Result<T, Impossible> {
        self.map_err(|source| Impossible {
            action,
            source: source.into(),
        })
    }
}

impl World {
    /// Opens the container that a process of this host is the first one of.
    ///
    /// # Errors
    /// When the process is not there, or is not that container's: the engine is on another host.
    /// When something is mounted that several runs would write to.
    pub async fn of(pid: i32, container_id: &str) -> Result<World, Impossible> {
        let folder = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        // What is read through this is of one process, even when another gets its number.
        let process = rustix::fs::open(format!("/proc/{pid}"), folder, Mode::empty())
            .to("find the container's process")?;
        let text = read(&process, "mountinfo").to("read the container's mounts")?;
        let groups = read(&process, "cgroup").unwrap_or_default();
        if !text.contains(container_id) && !groups.contains(container_id) {
            let other = io::Error::other("the engine runs on another host");
            return Err(other).to("find the container's process");
        }
        let mounts = Mounts::parse(&text)
            .map_err(io::Error::other)
            .to("make sense of the container's mounts")?;
        let open = OFlags::RDONLY | OFlags::CLOEXEC;
        let namespace = rustix::fs::openat(&process, "ns/mnt", open, Mode::empty())
            .to("open the container's mount namespace")?;
        let inside = namespace
            .try_clone()
            .to("open the container's mount namespace")?;
        let plan = apart(move || {
            enter(&inside)?;
            Plan::of(mounts).to("tell a container's mounts apart")
        });
        Ok(World {
            plan: Arc::new(plan.await?),
            namespace,
        })
    }

    /// Puts a fresh file system in the container, with a run's `in/` and `out/`. What is written
    /// there is kept in the folder `world` beside them.
    pub async fn put(&self, staging: &Path) -> Result<(), Impossible> {
        let (namespace, plan) = (self.namespace()?, Arc::clone(&self.plan));
        let staging = staging.to_owned();
        apart(move || put(&namespace, &plan, &staging)).await
    }

    /// Takes it away again.
    pub async fn take_away(&self) -> Result<(), Impossible> {
        let namespace = self.namespace()?;
        apart(move || {
            enter(&namespace)?;
            rustix::mount::unmount(WORLD, UnmountFlags::DETACH).to("unmount a run's file system")
        })
        .await
    }

    fn namespace(&self) -> Result<OwnedFd, Impossible> {
        self.namespace
            .try_clone()
            .to("open the container's mount namespace")
    }
}

impl Plan {
    fn of(mut mounts: Mounts) -> io::Result<Plan> {
        let mut files = Vec::new();
        for other in &mounts.others {
            let metadata = other.path.symlink_metadata()?;
            if other.keeps && metadata.is_dir() {
                let text = format!("{} is a volume of the image's", other.path.display());
                return Err(io::Error::other(text));
            }
            if other.keeps && metadata.is_file() {
                files.push(Own::of(&other.path)?);
            }
        }
        // A run may look at it, as in a container of its own, but not into the process it is of.
        let environment = Path::new("/proc/1/environ");
        files.push(Own::of(environment)?);
        let is_own = |path: &Path| files.iter().any(|file| file.path == path);
        mounts.others.retain(|other| !is_own(&other.path));
        Ok(Plan { mounts, files })
    }
}

fn put(namespace: &OwnedFd, plan: &Plan, staging: &Path) -> Result<(), Impossible> {
    let own = rustix::fs::open(
        "/proc/thread-self/ns/mnt",
        OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .to("open a mount namespace")?;
    enter(namespace)?;
    let mut parts = Vec::new();
    for other in &plan.mounts.others {
        let source = tree(&other.path).to("copy a container's mount")?;
        parts.push((other.path.clone(), source));
    }
    enter(&own)?;
    // Nothing of what follows is seen outside of this thread.
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", private).to("set mounts apart")?;
    let folder = staging.join("world");
    layers(&folder, &plan.mounts).to("put an image's layers together")?;
    let root = folder.join("root");
    let root_fd = rustix::fs::open(&root, OFlags::PATH | OFlags::DIRECTORY, Mode::empty())
        .to("open a run's file system")?;
    for (target, source) in [(IN, "in"), (OUT, "out")] {
        let source = tree(&staging.join(source)).to("copy a run's folder")?;
        parts.push((PathBuf::from(target), source));
    }
    for (number, file) in plan.files.iter().enumerate() {
        let own = folder.join(format!("file-{number}"));
        file.write(&own).to("write what a container has mounted")?;
        let source = tree(&own).to("copy what a container has mounted")?;
        parts.push((file.path.clone(), source));
    }
    for (path, source) in parts {
        attach(&source, root_fd.as_fd(), &path).to("mount what a container has mounted")?;
    }
    let readonly = MountFlags::BIND | MountFlags::RDONLY;
    rustix::mount::mount_remount(root.join(IN.trim_start_matches('/')), readonly, c"")
        .to("make a run's input read-only")?;
    let whole = tree(&root).to("copy a run's file system")?;
    enter(namespace)?;
    let outside = rustix::fs::open("/", OFlags::PATH | OFlags::DIRECTORY, Mode::empty())
        .to("open a container's file system")?;
    attach(&whole, outside.as_fd(), Path::new(WORLD)).to("mount a run's file system")
}

impl Own {
    fn of(path: &Path) -> io::Result<Own> {
        Ok(Own {
            path: path.to_owned(),
            content: std::fs::read(path)?,
            metadata: path.metadata()?,
        })
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        let metadata = &self.metadata;
        std::fs::write(path, &self.content)?;
        std::os::unix::fs::chown(path, Some(metadata.uid()), Some(metadata.gid()))?;
        std::fs::set_permissions(path, metadata.permissions())?;
        let time = std::fs::FileTimes::new().set_modified(metadata.modified()?);
        std::fs::File::options()
            .write(true)
            .open(path)?
            .set_times(time)
    }
}

/// Mounts the image's layers with a fresh one over them on `root`.
fn layers(folder: &Path, mounts: &Mounts) -> io::Result<()> {
    for name in ["", "upper", "work", "root"] {
        std::fs::create_dir(folder.join(name))?;
    }
    // Many layers with long names would not fit into what mount takes.
    let mut names = Vec::with_capacity(mounts.layers.len());
    for (number, layer) in mounts.layers.iter().enumerate() {
        symlink(layer, folder.join(number.to_string()))?;
        names.push(number.to_string());
    }
    if let Some(first) = mounts.layers.first() {
        let model = first.metadata()?;
        let upper = folder.join("upper");
        std::os::unix::fs::chown(&upper, Some(model.uid()), Some(model.gid()))?;
        std::fs::set_permissions(&upper, model.permissions())?;
    }
    let mut options = vec![format!("lowerdir={}", names.join(":"))];
    options.extend(["upperdir=upper", "workdir=work"].map(str::to_owned));
    options.extend(mounts.options.iter().cloned());
    let options = std::ffi::CString::new(options.join(","))?;
    rustix::process::chdir(folder)?;
    rustix::mount::mount(
        "overlay",
        "root",
        "overlay",
        MountFlags::empty(),
        options.as_c_str(),
    )?;
    rustix::process::chdir("/")?;
    Ok(())
}

/// A detached copy of what is mounted at a path, and below it.
fn tree(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE
        | OpenTreeFlags::AT_SYMLINK_NOFOLLOW;
    rustix::mount::open_tree(CWD, path, flags)
}

/// Mounts a detached tree at a path below a folder; what is missing of it is made.
fn attach(source: &OwnedFd, root: BorrowedFd<'_>, path: &Path) -> Result<(), Errno> {
    let is_folder = FileType::from_raw_mode(rustix::fs::fstat(source)?.st_mode).is_dir();
    let target = below(root, path, is_folder)?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    rustix::mount::move_mount(source, "", &target, "", flags)
}

/// Opens a path below a folder; what is missing of it is made, and no link is followed.
fn below(root: BorrowedFd<'_>, path: &Path, is_folder: bool) -> Result<OwnedFd, Errno> {
    let mut names = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name),
        _ => None,
    });
    let mut now = rustix::io::fcntl_dupfd_cloexec(root, 0)?;
    let mut next = names.next();
    while let Some(name) = next {
        next = names.next();
        let folder = is_folder || next.is_some();
        let made = match folder {
            true => rustix::fs::mkdirat(&now, name, Mode::from_raw_mode(0o755)),
            false => {
                let make = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
                rustix::fs::openat(&now, name, make, Mode::from_raw_mode(0o755)).map(drop)
            }
        };
        match made {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
        let mut flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        flags.set(OFlags::DIRECTORY, folder);
        now = rustix::fs::openat(&now, name, flags, Mode::empty())?;
        // The rest of the way is on top of what is mounted there, as every walk is.
    }
    let found = rustix::fs::statat(&now, "", AtFlags::EMPTY_PATH)?;
    match FileType::from_raw_mode(found.st_mode) {
        FileType::Symlink => Err(Errno::LOOP),
        _ => Ok(now),
    }
}

fn enter(namespace: &OwnedFd) -> Result<(), Impossible> {
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Mount))
        .to("enter a mount namespace")
}

/// Does something in a thread that has its mounts, its root and its working folder for itself.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Impossible> + Send + 'static,
) -> Result<T, Impossible> {
    let (tell, told) = oneshot::channel();
    let thread = move || {
        let done = set_apart().to("set a thread apart").and_then(|()| work());
        // Nobody may be waiting any more.
        let _ = tell.send(done);
    };
    std::thread::Builder::new()
        .spawn(thread)
        .to("start a thread")?;
    match told.await {
        Ok(done) => done,
        Err(lost) => Err(io::Error::other(lost)).to("wait for a thread"),
    }
}

#[allow(unsafe_code)] // The safe call of the same name is deprecated in favour of this one.
fn set_apart() -> io::Result<()> {
    let flags = UnshareFlags::FS | UnshareFlags::NEWNS;
    // SAFETY: what is unsafe about it is a file descriptor table of the thread's own, and that is
    // not asked for.
    unsafe { rustix::thread::unshare_unsafe(flags) }?;
    // Modes are what they are said to be.
    rustix::process::umask(Mode::empty());
    Ok(())
}

fn read(folder: &OwnedFd, name: &str) -> io::Result<String> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, name, flags, Mode::empty())?;
    io::read_to_string(std::fs::File::from(file))
}
