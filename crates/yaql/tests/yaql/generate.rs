//! Random expressions and data. The same seed gives the same.

use serde_json::{Map, Value, json};

use super::Case;

/// Generators of expressions, by the type of their values.
const FORMS: &str = include_str!("forms.txt");

const STRINGS: &[&str] = &[
    "",
    "a",
    "b",
    "ab",
    "abc",
    "a b  c",
    " a ",
    "a:b:c",
    "aXbY",
    "a/b",
    "http://h/p/q",
    "1",
    "42",
    " 7 ",
    "1.5",
    "-3",
    "1_0",
    "x",
    "name",
    "true",
    "é",
    "ABC",
    "a,b",
    "a\\nb",
    "aab",
    "\\t",
    "it\\'s",
    "null",
    "1e3",
    "ß",
];
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "7",
    "10",
    "100",
    "0.5",
    "1.0",
    "2.5",
    "3.75",
    "1.5",
    "12345678901",
    "0.1",
];

pub struct Generator {
    state: u64,
}

impl Generator {
    pub fn new(seed: u64) -> Self {
        Generator { state: seed }
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn one<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    pub fn case(&mut self) -> Case {
        let depth = 1 + self.below(4);
        let mut expression = self.expression('A', depth);
        if self.below(40) == 0 {
            expression = self.spoiled(&expression);
        }
        Case {
            expression,
            data: json!({"data": self.data()}),
        }
    }

    fn expression(&mut self, kind: char, depth: usize) -> String {
        // Now and then something of another kind, which should be an error on both sides.
        let kind = if self.below(25) == 0 {
            *self.one(&['N', 'S', 'B', 'L', 'M', 'A'])
        } else {
            kind
        };
        if kind == 'I' || depth == 0 && !matches!(kind, 'P' | 'F' | 'X') {
            return self.leaf(kind);
        }
        let forms: Vec<&str> = FORMS
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.strip_prefix(kind)?.strip_prefix(' '))
            .filter(|form| depth > 0 || !form.contains('{'))
            .collect();
        let form = *self.one(&forms);
        self.fill(form, depth.saturating_sub(1))
    }

    fn fill(&mut self, form: &str, depth: usize) -> String {
        let mut out = String::new();
        let mut rest = form;
        while let Some(at) = rest.find('{') {
            out.push_str(&rest[..at]);
            let hole = rest[at + 1..].chars().next();
            if let Some(kind @ ('N' | 'I' | 'S' | 'B' | 'L' | 'M' | 'A' | 'P' | 'F' | 'X')) = hole
                && rest[at + 2..].starts_with('}')
            {
                let part = self.expression(kind, depth);
                // What is an operator's operand or a receiver may need parentheses; now and then it goes without.
                let simple = part
                    .chars()
                    .all(|c| c.is_alphanumeric() || matches!(c, '$' | '.' | '_' | '\''));
                if simple || matches!(kind, 'P' | 'F') || self.below(12) == 0 {
                    out.push_str(&part);
                } else {
                    out.push_str(&format!("({part})"));
                }
                rest = &rest[at + 3..];
            } else {
                out.push('{');
                rest = &rest[at + 1..];
            }
        }
        out.push_str(rest);
        out
    }

    fn leaf(&mut self, kind: char) -> String {
        match kind {
            'N' => match self.below(4) {
                0 => "$.data.n".to_string(),
                1 => "$.data.f".to_string(),
                _ => (*self.one(NUMBERS)).to_string(),
            },
            'I' => (*self.one(&["0", "1", "2", "3", "-1", "-2", "5", "true"])).to_string(),
            'S' => match self.below(4) {
                0 => "$.data.s".to_string(),
                _ => format!("'{}'", self.one(STRINGS)),
            },
            'B' => (*self.one(&["true", "false", "$.data.b"])).to_string(),
            'L' => (*self.one(&[
                "[1, 2, 3]",
                "$.data.ints",
                "$.data.strings",
                "$.data.maps",
                "$.data.mixed",
                "$.data.pairs",
                "$.data.nested",
                "[]",
                "['a', 'b', 'a']",
                "[1, null, 'a', true]",
                "[3, 1, 2, 1]",
            ]))
            .to_string(),
            'M' => (*self.one(&[
                "$.data.m",
                "$.data.m2",
                "{}",
                "{a => 1, b => [1, 2]}",
                "{name => x}",
                "$.data",
            ]))
            .to_string(),
            _ => match self.below(8) {
                0 => "null".to_string(),
                1 => "$".to_string(),
                2 => "$.data.any".to_string(),
                3 => "word".to_string(),
                _ => {
                    let kind = *self.one(&['N', 'S', 'B', 'L', 'M', 'I']);
                    self.leaf(kind)
                }
            },
        }
    }

    /// The expression with something left out, put in or moved: mostly none any more.
    fn spoiled(&mut self, expression: &str) -> String {
        let mut chars: Vec<char> = expression.chars().collect();
        if chars.is_empty() {
            return String::new();
        }
        let at = self.below(chars.len());
        match self.below(4) {
            0 => {
                chars.remove(at);
            }
            1 => chars.insert(
                at,
                *self.one(&[
                    '(', ')', ',', '.', '$', '\'', ' ', '[', ']', '1', 'a', '=', '>', '-', '\\',
                    '`', '?', '#', '{', '}',
                ]),
            ),
            2 => chars.truncate(at),
            _ => {
                let other = self.below(chars.len());
                chars.swap(at, other);
            }
        }
        let spoiled: String = chars.into_iter().collect();
        // What is left out of a list is there for Python, as an object that nothing can be done with.
        let left_out = spoiled.replace(char::is_whitespace, "").contains(",,");
        if left_out {
            expression.to_owned()
        } else {
            spoiled
        }
    }

    fn data(&mut self) -> Value {
        let list = |this: &mut Self, make: fn(&mut Self) -> Value| -> Value {
            let count = this.below(5);
            (0..count).map(|_| make(this)).collect()
        };
        let n = self.below(20);
        json!({
            "n": n,
            "f": *self.one(&[0.5, -1.25, 2.0, 1e20, 0.1, 3.125, 1e-7]),
            "s": *self.one(STRINGS),
            "b": self.below(2) == 0,
            "z": null,
            "ints": list(self, |this| json!(this.below(6))),
            "strings": list(self, |this| json!(*this.one(STRINGS))),
            "maps": list(self, |this| if this.below(8) == 0 { Value::Null } else { this.map() }),
            "mixed": list(self, |this| this.any(2)),
            "pairs": list(self, |this| json!([*this.one(&["a", "b", "c"]), this.any(1)])),
            "nested": list(self, |this| json!([[this.below(3)], this.any(1)])),
            "m": self.map(),
            "m2": self.map(),
            "any": self.any(2),
        })
    }

    fn map(&mut self) -> Value {
        let mut map = Map::new();
        if self.below(8) > 0 {
            map.insert("a".to_string(), json!(self.below(4)));
        }
        if self.below(8) > 0 {
            map.insert("name".to_string(), json!(*self.one(STRINGS)));
        }
        for key in ["b", "c", "list"] {
            if self.below(3) == 0 {
                map.insert(key.to_string(), self.any(1));
            }
        }
        if self.below(3) == 0 {
            map.insert("list".to_string(), json!([self.below(3), self.below(3)]));
        }
        Value::Object(map)
    }

    fn any(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 5 } else { 7 }) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => json!(self.below(5)),
            3 => json!(*self.one(&[0.5, 1.0, -2.5])),
            4 => json!(*self.one(STRINGS)),
            5 => (0..self.below(3)).map(|_| self.any(depth - 1)).collect(),
            _ => self.map(),
        }
    }

    /// Data with the names that an expression looks up, and values of the kinds that templates have.
    pub fn data_for(&mut self, expression: &str) -> Value {
        let names: Vec<&str> = expression
            .split("$.data.")
            .skip(1)
            .map(|rest| {
                rest.split(|c: char| !c.is_alphanumeric() && c != '_')
                    .next()
                    .unwrap()
            })
            .filter(|name| !expression.contains(&format!("$.data.{name}(")))
            .collect();
        if names.is_empty() || expression.contains("coalesce($.data,") {
            let hint = if expression.contains("items()") && !expression.contains("selectMany") {
                "map"
            } else {
                ""
            };
            return json!({"data": self.value_for(expression, hint)});
        }
        let mut data = Map::new();
        for name in names {
            let value = self.value_for(expression, name);
            data.insert(name.to_string(), value);
        }
        if let Some(at) = expression.find("$root.data.") {
            let name: String = expression[at + 11..]
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            let value = self.value_for(expression, "services");
            data.insert(name, value);
        }
        json!({"data": data})
    }

    fn value_for(&mut self, expression: &str, name: &str) -> Value {
        let strings = |this: &mut Self| -> Value {
            let count = this.below(4);
            (0..count)
                .map(|_| {
                    json!(*this.one(&["a", "b", "", "c_network", "tripleo_vlan_id=12", "ctlplane"]))
                })
                .collect()
        };
        let maps = |this: &mut Self| -> Value {
            let count = this.below(4);
            (0..count)
                .map(|_| {
                    if this.below(4) == 0 {
                        Value::Null
                    } else {
                        this.role_data(expression)
                    }
                })
                .collect()
        };
        if self.below(15) == 0 {
            return self.any(2);
        }
        let mentions = |words: &[&str]| words.iter().any(|word| expression.contains(word));
        match name {
            "map"
            | "net_ip_map"
            | "extra_services"
            | "multistore"
            | "multiconfig"
            | "default"
            | "certmap"
            | "all_nodes"
            | "servers"
            | "secure"
            | "cred"
            | "fqdns"
            | "all_nodes_extra_map_data" => {
                let count = self.below(4);
                (0..count)
                    .map(|_| {
                        (
                            (*self.one(&["a", "b", "Net_Work", "internal_api"])).to_string(),
                            if mentions(&["multi", "mergeWith"]) {
                                self.role_data(expression)
                            } else {
                                self.any(1)
                            },
                        )
                    })
                    .collect::<Map<_, _>>()
                    .into()
            }
            "passwords" | "services" | "service_names" | "role_networks" | "extra" | "filters"
            | "networks" | "default_plugins" | "stf_plugins" | "extra_plugins"
            | "enabled_services" | "dpdk_p" | "vols" => strings(self),
            "port" | "debug" => self.any(0),
            "l"
            | "role_data"
            | "docker_config"
            | "step_config"
            | "sources"
            | "metadata"
            | "container_config_scripts"
            | "docker_config_scripts" => maps(self),
            "" if mentions(&["rightSplit", ".split", "toUpper", "matches"]) => json!(*self.one(&[
                "host:5000/ns/image:tag",
                "h/i",
                "a:b",
                "x",
                "10.0.0.1",
                "fe80::1/64"
            ])),
            "" if mentions(&["$ != null", "select($.", "toDict", "get('ip_address')"]) => {
                maps(self)
            }
            "" if mentions(&["max()"]) => {
                (0..self.below(4)).map(|_| json!(self.below(9))).collect()
            }
            _ => match self.below(4) {
                0 => json!(*self.one(&[
                    "host:5000/ns/image:tag",
                    "default_hugepagesz=1G",
                    "4K",
                    "true",
                    "name"
                ])),
                1 => strings(self),
                2 => maps(self),
                _ => self.any(2),
            },
        }
    }

    /// A map with keys that the expression mentions.
    fn role_data(&mut self, expression: &str) -> Value {
        let mut map = Map::new();
        let quoted = expression.split(['\'', '"']).skip(1).step_by(2);
        let dotted = expression.split("$.").skip(1).filter_map(|rest| {
            rest.split(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
        });
        let keys: Vec<&str> = quoted
            .chain(dotted)
            .filter(|key| !key.is_empty() && !key.contains(' '))
            .collect();
        for key in keys {
            if self.below(4) > 0 {
                let value = match self.below(5) {
                    0 => json!([{"name": *self.one(&["x", "y"]), "tags": "step1"}, {"name": "z"}]),
                    1 => {
                        json!({"step_1": {"a": {"image": "i"}}, (*self.one(&["step_2", "step_3"])): {"b": 1}})
                    }
                    2 => json!(*self.one(&["vip", "node", "x", "y"])),
                    3 => self.any(2),
                    _ => json!(["a", "b"]),
                };
                map.insert(key.to_string(), value);
            }
        }
        Value::Object(map)
    }
}
