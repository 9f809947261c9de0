//! Tests of names, errors and the disk. `scripts/parity templates --process` compares rendered templates
//! with those of Jinja2.

use std::error::Error as StdError;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Content, Inputs, Tree, Writing, process, write};

type Result<T = ()> = std::result::Result<T, Box<dyn StdError>>;

const ROLES: &str = "
- name: Controller
  deprecated_nic_config_name: ctrl.yaml
- name: Compute
  disable_constraints: yes
";
const NETWORKS: &str = "
- {name: InternalApi, name_lower: internal_api}
- {name: External}
- {name: Storage, enabled: false}
";

struct Templates(TempDir);

impl Templates {
    fn with(files: &[(&str, &str)]) -> Result<Self> {
        let templates = Templates(TempDir::new()?);
        for (path, text) in [("roles_data.yaml", ROLES), ("network_data.yaml", NETWORKS)]
            .iter()
            .chain(files)
        {
            let place = templates.place().join(path);
            fs::create_dir_all(place.parent().unwrap_or(Path::new("/")))?;
            fs::write(place, text)?;
        }
        Ok(templates)
    }

    fn place(&self) -> &Path {
        self.0.path()
    }

    fn tree(&self) -> Result<Tree> {
        Ok(process(
            self.place(),
            &Inputs::of(self.place(), None, None)?,
        )?)
    }

    /// Returns the rendered texts by path.
    fn rendered(&self) -> Result<Vec<(String, String)>> {
        let files = self.tree()?.files.into_iter();
        Ok(files
            .filter_map(|file| match file.content {
                Content::Rendered(text) => Some((file.path.display().to_string(), text)),
                Content::Copied(_) => None,
            })
            .collect())
    }

    /// Returns the error's text without the directory's random name.
    fn error(&self) -> String {
        match self.tree() {
            Err(error) => error
                .to_string()
                .replace(&self.place().display().to_string(), "DIR"),
            Ok(_) => "no error".to_owned(),
        }
    }
}

#[test]
fn templates_become_files_for_roles_and_networks() -> Result {
    let templates = Templates::with(&[
        (
            "puppet/role.role.j2.yaml",
            "{{role.name}} of {{ networks|length }}",
        ),
        (
            "puppet/plain.role.j2.yaml",
            "{{role}} {{ disable_constraints|default(false) }}",
        ),
        ("network/config/plain/role.role.j2.yaml", "{{role.name}}"),
        ("network/network.network.j2.yaml", "{{ network.name }}"),
        (
            "network/ports/port_v6.network.j2.yaml",
            "{{ network.name_lower }}",
        ),
        (
            "all.j2.yaml",
            "{% for role in roles %}{{ role.name }} {% endfor %}\n",
        ),
        ("j2_excludes.yaml", "name: [puppet/compute-plain.yaml]"),
        ("copied.yaml", "{{ as it is }}"),
        (".hidden.j2.yaml", "{{ nothing }}"),
        (".hidden/all.j2.yaml", "{{ nothing }}"),
    ])?;
    let expected = [
        ("all.yaml", "Controller Compute "),
        ("network/config/plain/compute.yaml", "Compute"),
        ("network/config/plain/ctrl.yaml", "Controller"),
        ("network/external.yaml", "External"),
        ("network/internal_api.yaml", "InternalApi"),
        ("network/ports/external_v6.yaml", "external"),
        ("network/ports/internal_api_v6.yaml", "internal_api"),
        ("puppet/compute-role.yaml", "Compute of 3"),
        ("puppet/controller-plain.yaml", "Controller False"),
        ("puppet/controller-role.yaml", "Controller of 3"),
    ];
    let expected: Vec<_> = expected
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .into();
    assert_eq!(templates.rendered()?, expected);
    Ok(())
}

#[test]
fn later_releases_have_rules_of_their_own() -> Result {
    let text = "{% for role in roles %}{{ role.tags }}{% endfor %} {{ networks[1].idx }}";
    let nic = "{{role.name}}";
    let templates = Templates::with(&[
        ("all.j2.yaml", text),
        ("network/config/x/role.role.j2.yaml", nic),
        (
            "network-data-samples/default-network-isolation.yaml",
            "[{name: A}, {name: B}]",
        ),
        (
            "tools/process-templates.py",
            "def _set_tags_based_on_role_name(r): n.update({'idx': i}) # network-data-samples/default-network-isolation.yaml",
        ),
    ])?;
    let rendered = templates.rendered()?;
    assert_eq!(rendered[0].1, "[]['compute'] 1");
    assert_eq!(rendered[2].0, "network/config/x/controller.yaml");
    Ok(())
}

#[test]
fn errors_say_where() -> Result {
    let cases: [(&str, &str, &str); 14] = [
        (
            "a.j2.yaml",
            "one\n{{ roles[0].missing.more }}",
            "a.j2.yaml, line 2: undefined value",
        ),
        (
            "a.j2.yaml",
            "\n\n{% if x %}",
            "a.j2.yaml, line 3: syntax error: unexpected end of input",
        ),
        (
            "a.j2.yaml",
            "{{ 'x'|bool }}",
            "a.j2.yaml, line 1: unknown filter: filter bool is unknown",
        ),
        (
            "a.j2.yaml",
            "{{ roles.shuffle() }}",
            "a.j2.yaml, line 1: unknown method",
        ),
        (
            "a.j2.yaml",
            "\n{% include 'b.j2' %}",
            "a.j2.yaml, line 2: template not found",
        ),
        (
            "a.j2.yaml",
            "{% include '../b.j2' %}",
            "a.j2.yaml, line 1: template not found",
        ),
        (
            "a.j2.yaml",
            "{% include 'a.j2.yaml' %}",
            "a.j2.yaml, line 1: ",
        ),
        (
            "roles_data.yaml",
            "{name: x}",
            "DIR/roles_data.yaml: not a list of roles",
        ),
        (
            "roles_data.yaml",
            "- nme: x",
            "DIR/roles_data.yaml: a role has no name: its keys are nme",
        ),
        (
            "roles_data.yaml",
            "- name: ../x",
            "DIR/roles_data.yaml: `../x` cannot be a role's name",
        ),
        (
            "network_data.yaml",
            "- {name: x, name_lower: [1]}",
            "DIR/network_data.yaml: network `x`: `name_lower` is",
        ),
        (
            "network_data.yaml",
            "- {name: x, name_lower: ../x}",
            "DIR/network_data.yaml: `../x` cannot be a network's `name_lower`",
        ),
        (
            "roles_data.yaml",
            "- {name: x, deprecated_nic_config_name: /x}",
            "DIR/roles_data.yaml: `/x` cannot be a role's `deprecated_nic",
        ),
        (
            "j2_excludes.yaml",
            "name: {}",
            "DIR/j2_excludes.yaml: `name` is not a list of paths",
        ),
    ];
    for (path, text, expected) in cases {
        let error = Templates::with(&[(path, text)])?.error();
        assert!(error.starts_with(expected), "{path} {text}: {error}");
    }
    Ok(())
}

#[test]
fn files_that_cannot_be_read_are_errors() -> Result {
    let templates = Templates::with(&[])?;
    fs::write(templates.place().join("a.j2.yaml"), b"caf\xe9")?;
    assert_eq!(templates.error(), "DIR/a.j2.yaml is not UTF-8 text");
    fs::remove_file(templates.place().join("a.j2.yaml"))?;
    symlink("nowhere", templates.place().join("dangling"))?;
    assert!(
        templates.error().starts_with("cannot read DIR/dangling: "),
        "{}",
        templates.error()
    );
    fs::remove_file(templates.place().join("dangling"))?;
    fs::remove_file(templates.place().join("roles_data.yaml"))?;
    assert!(
        templates
            .error()
            .starts_with("cannot read DIR/roles_data.yaml: "),
        "{}",
        templates.error()
    );
    Ok(())
}

#[test]
fn a_tree_is_written_and_written_again() -> Result {
    let templates = Templates::with(&[
        ("directory/a.j2.yaml", "{{ 1 }}\n"),
        ("script", "#!/bin/sh"),
        ("other/.hidden", ""),
    ])?;
    fs::set_permissions(
        templates.place().join("script"),
        fs::Permissions::from_mode(0o750),
    )?;
    symlink("directory", templates.place().join("linked_directory"))?;
    symlink("script", templates.place().join("linked_script"))?;
    let tree = templates.tree()?;
    let out = TempDir::new()?;
    let place = out.path().join("new/directory");
    for _ in 0..2 {
        write(&tree, &place, Writing::default())?;
        fs::write(place.join("directory/.slipway-Ab3dEfGh"), "cut off")?;
        fs::write(place.join("directory/.own"), "")?;
    }
    write(&tree, &place, Writing::default())?;
    assert!(!place.join("directory/.slipway-Ab3dEfGh").exists());
    assert!(place.join("directory/.own").exists());
    assert_eq!(fs::read_to_string(place.join("directory/a.yaml"))?, "1");
    assert_eq!(
        fs::metadata(place.join("script"))?.permissions().mode() & 0o777,
        0o750
    );
    assert!(fs::symlink_metadata(place.join("linked_script"))?.is_file());
    assert!(
        place.join("other").is_dir(),
        "a directory stays, whatever is in it"
    );
    let absent = ["linked_directory", "other/.hidden", "directory/a.j2.yaml"];
    assert!(absent.iter().all(|path| !place.join(path).exists()));
    let safe = write(&tree, &place, Writing { safe: true });
    let expected = format!(
        "{} exists already; choose another directory",
        place.join("directory/a.yaml").display()
    );
    assert_eq!(safe.map_err(|error| error.to_string()), Err(expected));
    Ok(())
}

#[test]
fn the_result_is_not_put_among_the_templates() -> Result {
    let templates = Templates::with(&[])?;
    let tree = templates.tree()?;
    for out in [
        templates.place().to_owned(),
        templates.place().join("a/b"),
        PathBuf::from(format!("{}/x/..", templates.place().display())),
    ] {
        let refused = write(&tree, &out, Writing::default());
        assert!(
            refused.is_err_and(|error| error
                .to_string()
                .contains("inside the templates' own directory")),
            "{}",
            out.display()
        );
    }
    assert_eq!(fs::read_dir(templates.place())?.count(), 2);
    Ok(())
}
