//! Names of images where fewer characters are allowed.

use std::collections::BTreeMap;

/// Returns a unique name for each image, of letters, digits, `-` and `_`.
pub(super) fn target_names<'a>(images: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, String> {
    let images: Vec<&str> = images.collect();
    let mut names: BTreeMap<&str, String> = BTreeMap::new();
    for image in &images {
        let mut name = image.replace('.', "_");
        // The other image's own name comes first.
        while name != *image
            && (images.contains(&name.as_str()) || names.values().any(|taken| *taken == name))
        {
            name.push('_');
        }
        names.insert(image, name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_targets_are_unique() {
        let images = ["a.b", "a_b", "a-b", "a_b_"];
        let names = target_names(images.into_iter());
        assert_eq!(names["a_b"], "a_b");
        assert_eq!(names["a-b"], "a-b");
        assert_eq!(names["a.b"], "a_b__");
        let names = target_names(["a.b_c", "a_b.c"].into_iter());
        assert_eq!(names["a.b_c"], "a_b_c");
        assert_eq!(names["a_b.c"], "a_b_c_");
    }
}
