//! The distribution of an image.

/// The distribution, as `os-release` names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OsRelease {
    /// `ID`, such as `debian`.
    pub id: String,
    /// `VERSION_ID`, such as `13`.
    pub version: String,
}

impl OsRelease {
    /// Parses an `os-release` file.
    pub(crate) fn parse(text: &str) -> OsRelease {
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key));
            let value = line.unwrap_or_default().trim();
            value.trim_matches(['"', '\'']).to_owned()
        };
        OsRelease {
            id: value("ID="),
            version: value("VERSION_ID="),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_removed() {
        let os = OsRelease::parse("NAME=\"Rocky\"\nID=\"rocky\"\nVERSION_ID='9.4'\n");
        assert_eq!((os.id.as_str(), os.version.as_str()), ("rocky", "9.4"));
        assert_eq!(OsRelease::parse(""), OsRelease::default());
    }
}
