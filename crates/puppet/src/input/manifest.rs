//! Secrets in the text of a manifest.

/// Returns `name=value` for each quoted string that a manifest assigns to a name: `password => 'x'`,
/// `$token = "x"`. The caller tells secrets by their names.
pub fn settings(manifest: &str) -> Vec<String> {
    let bytes = manifest.as_bytes();
    let mut settings = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'#' => at = end_of_line(bytes, at),
            quote @ (b'\'' | b'"') => {
                let begin = at + 1;
                at = end_of_text(bytes, begin, quote);
                if let (Some(name), Some(text)) = (
                    manifest.get(..begin - 1).and_then(given_to),
                    manifest.get(begin..at),
                ) {
                    settings.push(format!("{name}={text}"));
                }
                at += 1;
            }
            _ => at += 1,
        }
    }
    settings
}

fn end_of_line(bytes: &[u8], from: usize) -> usize {
    let rest = &bytes[from..];
    from + rest
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(rest.len())
}

fn end_of_text(bytes: &[u8], mut at: usize, quote: u8) -> usize {
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at.min(bytes.len())
}

/// Returns the name at the end of `… name =>`, `… $name =`, or either with `Sensitive(` behind it.
fn given_to(before: &str) -> Option<&str> {
    let before = before.trim_end();
    let before = match before.strip_suffix('(') {
        Some(call) => call.trim_end().strip_suffix("Sensitive")?.trim_end(),
        None => before,
    };
    let before = before
        .strip_suffix("=>")
        .or_else(|| before.strip_suffix('='))?;
    let before = before.trim_end().trim_end_matches(['\'', '"']);
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    let start = before.trim_end_matches(is_name).len();
    (start < before.len()).then(|| &before[start..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_assigned_to_names_are_found() {
        let manifest = r#"
            # it's a comment: password => 'not this'
            class { 'x': password => 'one', 'api_token'=>"tw\"o", port => 1 }
            $secret = Sensitive('three')
            notice('four')
            $é = 'five'"#;
        assert_eq!(
            settings(manifest),
            ["password=one", "api_token=tw\\\"o", "secret=three"]
        );
        for torn in ["a => '", "'", "$a = \"\\", "=> ''", "a => ''"] {
            settings(torn);
        }
        assert_eq!(settings("a => '"), ["a="]);
    }
}
