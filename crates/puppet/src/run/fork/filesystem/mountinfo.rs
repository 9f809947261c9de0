//! What a container's file system is made of, as the kernel tells it.

use std::path::{Path, PathBuf};

use crate::run::container::{IN, OUT};

/// A container's root, and what is mounted over it.
#[derive(Clone, Debug, PartialEq)]
pub struct Mounts {
    /// The image's layers, the uppermost first. The one that the container writes to is not among
    /// them.
    pub layers: Vec<PathBuf>,
    /// How they are to be put together.
    pub options: Vec<String>,
    /// What else is mounted; what is mounted below is left out.
    pub others: Vec<Other>,
}

/// What is mounted somewhere over a root.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Other {
    /// Where.
    pub path: PathBuf,
    /// Whether it can be written to, and is a file system of the container's host.
    pub keeps: bool,
}

/// File systems of the kernel's and the engine's own. `/dev` is a tmpfs, and is looked after by
/// whoever uses it.
const OF_THE_KERNEL: [&str; 2] = ["proc", "sysfs"];

/// Options that say how to read layers. Others are of this one mount alone.
const OF_THE_LAYERS: [&str; 4] = ["index", "metacopy", "redirect_dir", "userxattr"];

impl Mounts {
    /// Reads `/proc/PID/mountinfo`.
    ///
    /// # Errors
    /// When the root is of another kind than layers over one another, or these cannot be found.
    pub fn parse(text: &str) -> Result<Mounts, String> {
        let mut root = None;
        let mut others: Vec<Other> = Vec::new();
        for line in text.lines() {
            let (front, back) = line.split_once(" - ").ok_or("a line without a kind")?;
            let mut words = front.split(' ').skip(4);
            let path = words.next().ok_or("a line without a place")?;
            let path = PathBuf::from(unescaped(path)?);
            let writable = words
                .next()
                .unwrap_or_default()
                .split(',')
                .any(|o| o == "rw");
            let kind = back.split(' ').next().unwrap_or_default();
            if path == Path::new("/") {
                root = Some(back);
            } else if path != Path::new(IN) && path != Path::new(OUT) {
                let keeps = writable && !OF_THE_KERNEL.contains(&kind) && path != Path::new("/dev");
                others.push(Other { path, keeps });
            }
        }
        // Sorted by their parts, whatever is below another comes after it.
        others.sort();
        let mut uppermost: Vec<Other> = Vec::new();
        for other in others {
            if !uppermost
                .iter()
                .any(|upper| other.path.starts_with(&upper.path))
            {
                uppermost.push(other);
            }
        }
        let root = root.ok_or("it has no root")?;
        let mut words = root.split(' ');
        let kind = words.next().unwrap_or_default();
        if kind != "overlay" {
            return Err(format!("its root is {kind}, not overlay"));
        }
        let (mut layers, mut options) = (Vec::new(), Vec::new());
        for option in words.nth(1).unwrap_or_default().split(',') {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            match name {
                "lowerdir" | "lowerdir+" => layers.extend(value.split(':').map(PathBuf::from)),
                "context" | "fscontext" | "datadir+" => {
                    return Err(format!("its root has the option {name}"));
                }
                _ if OF_THE_LAYERS.contains(&name) => options.push(option.to_owned()),
                _ => {}
            }
        }
        let is_there = |layer: &PathBuf| layer.is_absolute() && layer.is_dir();
        if layers.is_empty() || !layers.iter().all(is_there) {
            return Err("its image's layers are not here".to_owned());
        }
        Ok(Mounts {
            layers,
            options,
            others: uppermost,
        })
    }
}

/// Blanks and the like are written as `\040`.
fn unescaped(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let digits = after.get(..3).ok_or("an escape without digits")?;
        bytes.push(u8::from_str_radix(digits, 8).map_err(|error| error.to_string())?);
        rest = &after[3..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(layers: &str) -> String {
        format!(
            "603 497 0:46 / / rw,relatime master:217 - overlay overlay rw,lowerdir={layers},upperdir=/u,workdir=/w,index=off\n\
             604 603 0:49 / /proc rw,nosuid - proc proc rw\n\
             605 604 0:49 /sys /proc/sys ro - proc proc rw\n\
             606 603 0:50 / /dev rw,nosuid - tmpfs tmpfs rw\n\
             607 606 0:51 / /dev/pts rw - devpts devpts rw\n\
             608 603 254:1 /a /slipway/in ro - ext4 /dev/a rw\n\
             609 603 254:1 /b /mnt/a\\040b rw - ext4 /dev/a rw\n\
             610 603 254:1 /b /procs rw - ext4 /dev/a rw\n"
        )
    }

    #[test]
    fn layers_and_mounts_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        std::fs::create_dir(&a).unwrap();
        std::fs::create_dir(&b).unwrap();
        let found = Mounts::parse(&text(&format!("{}:{}", a.display(), b.display()))).unwrap();
        assert_eq!(found.layers, [a, b]);
        assert_eq!(found.options, ["index=off"]);
        let others = ["/dev", "/mnt/a b", "/proc", "/procs"];
        let paths: Vec<_> = found.others.iter().map(|other| &other.path).collect();
        assert_eq!(paths, others.map(PathBuf::from).each_ref());
        let keep: Vec<_> = found.others.iter().map(|other| other.keeps).collect();
        assert_eq!(keep, [false, true, false, true]);
    }

    #[test]
    fn what_cannot_be_put_together_is_refused() {
        let refusal = |text: &str| Mounts::parse(text).unwrap_err();
        assert!(refusal(&text("l/A:l/B")).contains("not here"));
        assert!(refusal(&text("/nowhere-at-all")).contains("not here"));
        let vfs = "1 0 254:1 /x / rw - ext4 /dev/a rw\n";
        assert!(refusal(vfs).contains("its root is ext4"));
        assert!(refusal("").contains("no root"));
        assert!(Mounts::parse("nonsense").is_err());
        assert!(Mounts::parse("1 0 0:1 / /a\\9 rw - x y z").is_err());
    }
}
