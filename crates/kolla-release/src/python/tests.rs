use serde_json::json;

use super::*;

fn constants(text: &str) -> Names {
    Module::read(text).constants()
}

#[test]
fn literals_are_read_as_python_means_them() {
    let names = constants(
        "# a comment\nBASE = \"https://x\"\nURL = BASE + '/y'\n\
         S = {\n    'a': {'location': ('one/' # here\n                 'two'), 'n': 0x},\n\
         \t'b': [1, -2, True, None,],\n}\nT = {'x', \"y\"}\nE = {}\nR = r'^\\d' \\\n  'e\\n'\n",
    );
    assert_eq!(names["URL"], json!("https://x/y"));
    assert_eq!(names["S"]["a"]["location"], json!("one/two"));
    assert_eq!(names["S"]["b"][2], json!(true));
    assert_eq!(names["S"]["b"].as_array().unwrap().len(), 4);
    assert_eq!(names["T"], json!(["x", "y"]));
    assert_eq!(names["E"], json!({}));
    assert_eq!(names["R"], json!("^\\de\n"));
}

#[test]
fn expressions_that_are_not_literals_are_skipped() {
    let names = constants(
        "import os\nhost = os.uname()[4]\nf = f'{host}'\nif host == 'x':\n    a = 1\nelse:\n    a = 2\n\
         for x in y:\n    b = 1\nc = ((((1\n",
    );
    assert_eq!(names.get("host"), None);
    assert_eq!(names.get("f"), None);
    assert_eq!(names["a"], json!(2));
    assert_eq!(names.get("b"), None);
}

#[test]
fn options_are_calls_with_their_defaults() {
    let module = Module::read(
        "_OPTS = [\n  cfg.StrOpt('base', short='b', default='centos', help='a ' + ', '.join(X)),\n\
         cfg.ListOpt('infra', default=['cron', 'etcd']),\n]\n",
    );
    let options = module.assigned("_OPTS").unwrap().items();
    assert_eq!(options[0].first_argument(), Some("base"));
    let default = |i: usize| options[i].argument("default").unwrap().value(&Names::new());
    assert_eq!(default(0), Some(json!("centos")));
    assert_eq!(default(1), Some(json!(["cron", "etcd"])));
}

#[test]
fn branches_are_followed() {
    let module = Module::read(
        "class V:\n    def __init__(self):\n        m = 0\nclass W(object):\n    def __init__(self, conf):\n        rh = ['centos', 'rhel']\n\
         \x20       if self.conf.x is not None:\n            m = 'no'\n\
         \x20       elif self.base in rh and self.tag.startswith(('8', '9')):\n            m = 'dnf'\n\
         \x20       elif not self.base == 'debian':\n            if LooseVersion(self.tag) >= LooseVersion('7'):\n\
         \x20               m = 'yum'\n        else:\n            m = 'apt'\n\n    def other(self):\n        m = 1\n",
    );
    let chosen = |base: &str, tag: &str| {
        let names = Names::from([
            ("self.base".to_owned(), json!(base)),
            ("self.tag".to_owned(), json!(tag)),
        ]);
        module.method("W", "__init__").unwrap().run(names)["m"].clone()
    };
    assert_eq!(chosen("centos", "8"), json!("dnf"));
    assert_eq!(chosen("centos", "7-slim"), json!("yum"));
    assert_eq!(chosen("debian", "12"), json!("apt"));
}

#[test]
fn keys_are_found_inside_loops() {
    let module = Module::read(
        "class W:\n    def f():\n        for p in q:\n            if p:\n\
         \x20               values = {'a': self.a, 'b':\n  g(x)[0]}\n",
    );
    let keys = module.method("W", "f").unwrap().keys_of("values").unwrap();
    assert_eq!(keys, ["a", "b"]);
}

#[test]
fn expressions_that_the_stack_does_not_hold_have_no_value() {
    let many = |text: &str| text.repeat(100_000);
    let source = format!(
        "a = {}True\nb = 1{}\nc = f{}\nd = (){}\ne = {}1\n{}g = 2\n",
        many("not "),
        many(" + 1"),
        many("()"),
        many(".x"),
        many("("),
        (0..1000)
            .map(|depth| format!("{}if True:\n", " ".repeat(depth)))
            .collect::<String>()
            + &" ".repeat(1000),
    );
    let names = constants(&source);
    assert_eq!(names["a"], json!(true));
    for name in ["b", "c", "d", "e"] {
        assert_eq!(names.get(name), None, "{name}");
    }
}
