//! The versions of the template language.

/// A heat_template_version, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    Icehouse,
    Juno,
    Kilo,
    Liberty,
    Mitaka,
    Newton,
    Ocata,
    Pike,
    Queens,
    Rocky,
    Wallaby,
}

const NAMES: &[(&str, &str, Version)] = &[
    ("2013-05-23", "icehouse", Version::Icehouse),
    ("2014-10-16", "juno", Version::Juno),
    ("2015-04-30", "kilo", Version::Kilo),
    ("2015-10-15", "liberty", Version::Liberty),
    ("2016-04-08", "mitaka", Version::Mitaka),
    ("2016-10-14", "newton", Version::Newton),
    ("2017-02-24", "ocata", Version::Ocata),
    ("2017-09-01", "pike", Version::Pike),
    ("2018-03-02", "queens", Version::Queens),
    ("2018-08-31", "rocky", Version::Rocky),
    ("2021-04-16", "wallaby", Version::Wallaby),
];

impl Version {
    /// Reads its date, or the name of its release, which counts from newton on.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        NAMES
            .iter()
            .find(|(date, name, version)| {
                *date == text || (*name == text && *version >= Self::Newton)
            })
            .map(|(_, _, version)| *version)
    }

    /// Lists the versions that can be written, for an error.
    pub(crate) fn all() -> String {
        let names: Vec<_> = NAMES.iter().map(|(date, _, _)| *date).collect();
        format!("{}, or newton to wallaby", names.join(", "))
    }
}
