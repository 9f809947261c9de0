//! The table of settings.

/// The kind of a setting's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Text,
    /// A path.
    Path,
    /// A list of paths: a list or one string in a file, separated by colons in a variable.
    Paths,
    /// A positive number.
    Count,
}

impl Kind {
    /// Checks a value's text.
    pub(crate) fn check(self, text: &str) -> Result<(), String> {
        match self {
            Kind::Count => match text.parse::<std::num::NonZeroUsize>() {
                Ok(_) => Ok(()),
                Err(_) => Err("expected a number above 0".to_owned()),
            },
            Kind::Text | Kind::Path | Kind::Paths if text.is_empty() => {
                Err("expected a string that is not empty".to_owned())
            }
            Kind::Text | Kind::Path | Kind::Paths => Ok(()),
        }
    }
}

/// Makes [`Setting`] from one table, one line a setting: its variant, its name in files, its
/// environment variable, its kind and its meaning.
macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $variant:ident, $name:literal, $variable:literal, $kind:ident;)*) => {
        /// A setting. Its value counts as a value that was typed after an option of the same name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Setting {
            $($(#[doc = $doc])+ $variant,)*
        }

        impl Setting {
            /// All settings, in the order in which they are shown.
            pub const ALL: &[Setting] = &[$(Setting::$variant,)*];

            /// Returns the name in a file, such as `services`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Setting::$variant => $name,)*
                }
            }

            /// Returns the environment variable, such as `SLIPWAY_SERVICES`.
            pub fn variable(self) -> &'static str {
                match self {
                    $(Setting::$variant => $variable,)*
                }
            }

            /// Returns the kind of its value.
            pub fn kind(self) -> Kind {
                match self {
                    $(Setting::$variant => Kind::$kind,)*
                }
            }

            /// Returns the setting of this name in a file.
            pub fn named(name: &str) -> Option<Setting> {
                match name {
                    $($name => Some(Setting::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

settings! {
    /// Address of the container engine: `--host`.
    Host, "host", "SLIPWAY_HOST", Text;
    /// Service definitions: `--services`.
    Services, "services", "SLIPWAY_SERVICES", Paths;
    /// Files of hiera data: `--hiera`.
    Hiera, "hiera", "SLIPWAY_HIERA", Paths;
    /// File with the password of ansible-vault: `--vault-password-file`.
    VaultPasswordFile, "vault_password_file", "SLIPWAY_VAULT_PASSWORD_FILE", Path;
    /// Private key of hiera-eyaml: `--eyaml-private-key`.
    EyamlPrivateKey, "eyaml_private_key", "SLIPWAY_EYAML_PRIVATE_KEY", Path;
    /// Root of the deployment: `--root`.
    Root, "root", "SLIPWAY_ROOT", Path;
    /// Name of the role: `--role`.
    Role, "role", "SLIPWAY_ROLE", Text;
    /// Number of jobs at once: `--process-count` of Puppet runs, `--threads` of builds.
    Jobs, "jobs", "SLIPWAY_JOBS", Count;
    /// Upstream Kolla to build from: `build --kolla`.
    Kolla, "kolla", "SLIPWAY_KOLLA", Path;
    /// Distribution of the images: `build --base`.
    Base, "base", "SLIPWAY_BASE", Text;
    /// Namespace of the images: `build --namespace`.
    Namespace, "namespace", "SLIPWAY_NAMESPACE", Text;
    /// Tag of the images: `build --tag`.
    Tag, "tag", "SLIPWAY_TAG", Text;
    /// Registry of the images: `build --registry`.
    Registry, "registry", "SLIPWAY_REGISTRY", Text;
    /// Template overrides: `build --template-override`.
    TemplateOverride, "template_override", "SLIPWAY_TEMPLATE_OVERRIDE", Paths;
}
