use super::*;
use crate::{Section, Value};

const OPTIONS: &[OptionDef] = &[
    OptionDef::new("regex", Kind::Multi, "").positional(),
    OptionDef::new("template-override", Kind::Multi, ""),
    OptionDef::new("type", Kind::Text, "").dest("install_type"),
    OptionDef::new("build-args", Kind::Dict, ""),
    OptionDef::new("tag", Kind::Text, ""),
    OptionDef::new("namespace", Kind::Text, ""),
    OptionDef::new("registry", Kind::Text, ""),
    OptionDef::new("maintainer", Kind::Text, ""),
    OptionDef::new("base-image", Kind::Text, ""),
    OptionDef::new("base-tag", Kind::Text, ""),
    OptionDef::new("tarballs-base", Kind::Text, ""),
    OptionDef::new("threads", Kind::Int { min: Some(1) }, "").default("8"),
    OptionDef::new("retries", Kind::Int { min: Some(0) }, "").default("3"),
];
const SOURCE: &[OptionDef] = &[
    OptionDef::new("type", Kind::Choice(&["local", "git", "url"]), ""),
    OptionDef::new("location", Kind::Text, ""),
    OptionDef::new("version", Kind::Text, ""),
];
const SCHEMA: Schema = Schema {
    default: OPTIONS,
    section: |name| match name {
        "profiles" => Section::Any(Kind::List),
        _ => Section::Options(SOURCE),
    },
};

fn settings(
    command_line: &[(&str, &[&str])],
    environment: &[(&str, &str)],
    text: &str,
) -> Settings {
    let command_line = command_line
        .iter()
        .map(|(name, values)| {
            let values = values.iter().map(ToString::to_string).collect();
            ((*name).to_owned(), values)
        })
        .collect();
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let files = ConfigFiles::from_text("f.conf".as_ref(), text).unwrap();
    Settings::new(SCHEMA, command_line, environment, files)
}

fn error(text: &str) -> String {
    let settings = settings(&[], &[], text);
    let known = ["nova-base", "horizon"];
    let is_known = |section: &str| known.contains(&section);
    let unknown = settings.unknown(is_known, &known).into_iter().next();
    let invalid = || settings.check_values(is_known).unwrap_err();
    unknown.unwrap_or_else(invalid).to_string()
}

#[test]
fn command_line_environment_file_default() {
    let text = "[DEFAULT]\ntag = file\nnamespace = file\nthreads = 3\nthreads = 4\n";
    let environment = [("OS_DEFAULT__TAG", "env"), ("OS_DEFAULT__NAMESPACE", "env")];
    let settings = settings(&[("tag", &["one", "two"])], &environment, text);
    assert_eq!(settings.get("tag").unwrap(), Value::Text("two".to_owned()));
    assert_eq!(
        settings.get("namespace").unwrap(),
        Value::Text("env".to_owned())
    );
    assert_eq!(settings.get("threads").unwrap(), Value::Int(4));
    assert_eq!(settings.get("retries").unwrap(), Value::Int(3));
    assert_eq!(
        settings.place(DEFAULT, "threads").unwrap().to_string(),
        "f.conf:5"
    );
}

#[test]
fn repeated_keys_are_all_kept_where_several_count() {
    let text = "[DEFAULT]\ntemplate_override = a\nregex = x\ntemplate_override = b\n";
    let combined = settings(&[("template-override", &["c"])], &[], text);
    let list = |settings: &Settings, key: &str| match settings.get(key).unwrap() {
        Value::List(items) => items,
        other => panic!("{key} is {other:?}"),
    };
    assert_eq!(list(&combined, "template_override"), ["a", "b", "c"]);
    assert_eq!(list(&combined, "regex"), ["x"]);
    let named = settings(&[("regex", &["y"])], &[], text);
    assert_eq!(list(&named, "regex"), ["y"]);
}

#[test]
fn references_reach_the_own_section_first() {
    let text = "[DEFAULT]\ntarballs_base = http://t\n[nova-base]\ntype = url\n\
                location = $tarballs_base/${version}.tgz\nversion = 7\n\
                [horizon]\nlocation = ${nova-base}$nova$$\n";
    let settings = settings(&[], &[], text);
    assert_eq!(
        settings.get_in("nova-base", "location").unwrap(),
        Value::Text("http://t/7.tgz".to_owned())
    );
    let error = settings.get_in("horizon", "location").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("refers to $nova, which is not an option"),
        "{error}"
    );
}

#[test]
fn errors_name_the_place() {
    assert_eq!(
        error("[DEFAULT]\nnamespce = x\n"),
        "f.conf:2: unknown option namespce in section [DEFAULT]; did you mean namespace?"
    );
    assert_eq!(
        error("[DEFAULT]\n\nbase-tag = x\n"),
        "f.conf:3: unknown option base-tag in section [DEFAULT]; did you mean base_tag?"
    );
    assert_eq!(
        error("[DEFAULT]\nthreads = many\n"),
        "f.conf:2: threads = \"many\" must be an integer"
    );
    assert_eq!(
        error("[nova-bas]\ntype = git\n"),
        "f.conf:2: unknown section [nova-bas]; did you mean [nova-base]?"
    );
    assert!(
        error("[DEFAULT]\ntag = $tagg\n")
            .ends_with("did you mean tag?; write $$ for a dollar sign")
    );
    assert!(error("[DEFAULT]\ntag = a$namespace\nnamespace = $tag").contains("refers to itself"));
    assert!(error("[nova-base]\ntype = zip\n").ends_with("must be one of local, git, url"));
    assert!(
        error("[nova-base]\nthreads = 3\n")
            .ends_with("in section [nova-base]; did you mean threads in section [DEFAULT]?")
    );
    assert!(error("[default]\ntag = x\n").ends_with("did you mean [DEFAULT]?"));
}

#[test]
fn references_that_grow_without_end_are_refused() {
    let keys = ["base_tag", "tag", "namespace", "registry", "maintainer"];
    for leaf in ["", &"x".repeat(1000)] {
        let mut text = format!("[DEFAULT]\nbase_image = {leaf}\n");
        let mut last = "base_image";
        for key in keys {
            text += &format!("{key} = {}\n", format!("${last}").repeat(100));
            last = key;
        }
        assert!(
            error(&text).contains("becomes longer than"),
            "{}",
            error(&text)
        );
    }
}

#[test]
fn an_option_is_read_by_its_dest() {
    let text = "[DEFAULT]\ninstall_type = source\ntype = binary\ntag = $install_type\n";
    let in_environment = settings(&[], &[("OS_DEFAULT__TYPE", "rdo")], text);
    let source = Value::Text("source".to_owned());
    assert_eq!(in_environment.get("install_type").unwrap(), source);
    assert_eq!(in_environment.get("tag").unwrap(), source);
    assert_eq!(
        error("[DEFAULT]\ntype = binary\n"),
        "f.conf:2: unknown option type in section [DEFAULT]; did you mean install_type?"
    );
    let named = settings(&[("type", &["binary"])], &[], text);
    let binary = Value::Text("binary".to_owned());
    assert_eq!(named.get("install_type").unwrap(), binary);
    let environment = [("OS_DEFAULT__INSTALL_TYPE", "rdo")];
    let set = settings(&[], &environment, text)
        .get("install_type")
        .unwrap();
    assert_eq!(set, Value::Text("rdo".to_owned()));
}

#[test]
fn ignored_options_count_only_on_the_command_line() {
    let text = "[DEFAULT]\ntag = file\n";
    let mut in_environment = settings(&[], &[("OS_DEFAULT__TAG", "env")], text);
    in_environment.pass_over("tag");
    assert_eq!(in_environment.get("tag").unwrap(), Value::None);
    let mut named = settings(&[("tag", &["named"])], &[], text);
    named.pass_over("tag");
    assert_eq!(named.get("tag").unwrap(), Value::Text("named".to_owned()));
}

#[test]
fn pairs_are_not_shown() {
    let text = "[DEFAULT]\nbuild_args = token:s3cret,oops\n";
    let settings = settings(&[], &[], text);
    let error = settings.get("build_args").unwrap_err().to_string();
    assert!(!error.contains("s3cret"), "{error}");
}

#[test]
fn a_section_may_have_any_key() {
    let settings = settings(&[], &[], "[Profiles]\nmine = a, b\n");
    let mine = settings.get_in("profiles", "mine").unwrap();
    assert_eq!(mine, Value::List(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(
        settings.keys("profiles").into_iter().collect::<Vec<_>>(),
        ["mine"]
    );
}

#[test]
fn the_items_of_a_default_list_are_not_parsed() {
    let mut settings = settings(&[], &[], "[DEFAULT]\ntag = 1\n[profiles]\nmine = a\n");
    let items = ["", "a,b", "$tag"].map(str::to_owned).to_vec();
    settings.set_default_items("profiles", "mine", items.clone());
    settings.set_default_items("DEFAULT", "template_override", items);
    let list = |section, name| settings.get_in(section, name).unwrap();
    assert_eq!(list("profiles", "mine"), Value::List(vec!["a".to_owned()]));
    let items = ["", "a,b", "1"].map(str::to_owned).to_vec();
    assert_eq!(list("DEFAULT", "template_override"), Value::List(items));
}
