//! The methods of strings, lists and dictionaries.

/// Declares an enum of methods, and finds them by their names.
macro_rules! methods {
    ($(#[$doc:meta])* $kind:ident { $($method:ident = $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $kind {
            $($method,)+
        }

        impl $kind {
            /// Returns the method of this name.
            pub(crate) fn by_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some($kind::$method),)+
                    _ => None,
                }
            }
        }
    };
}

methods! {
    /// The methods of a string.
    StringMethod {
        Capitalize = "capitalize",
        Casefold = "casefold",
        Center = "center",
        Count = "count",
        Encode = "encode",
        Endswith = "endswith",
        Expandtabs = "expandtabs",
        Find = "find",
        Format = "format",
        FormatMap = "format_map",
        Index = "index",
        Isalnum = "isalnum",
        Isalpha = "isalpha",
        Isascii = "isascii",
        Isdecimal = "isdecimal",
        Isdigit = "isdigit",
        Isidentifier = "isidentifier",
        Islower = "islower",
        Isnumeric = "isnumeric",
        Isprintable = "isprintable",
        Isspace = "isspace",
        Istitle = "istitle",
        Isupper = "isupper",
        Join = "join",
        Ljust = "ljust",
        Lower = "lower",
        Lstrip = "lstrip",
        Partition = "partition",
        Removeprefix = "removeprefix",
        Removesuffix = "removesuffix",
        Replace = "replace",
        Rfind = "rfind",
        Rindex = "rindex",
        Rjust = "rjust",
        Rpartition = "rpartition",
        Rsplit = "rsplit",
        Rstrip = "rstrip",
        Split = "split",
        Splitlines = "splitlines",
        Startswith = "startswith",
        Strip = "strip",
        Swapcase = "swapcase",
        Title = "title",
        Translate = "translate",
        Upper = "upper",
        Zfill = "zfill",
    }
}

methods! {
    /// The methods of a list.
    ListMethod {
        Append = "append",
        Clear = "clear",
        Copy = "copy",
        Count = "count",
        Extend = "extend",
        Index = "index",
        Insert = "insert",
        Pop = "pop",
        Remove = "remove",
        Reverse = "reverse",
        Sort = "sort",
    }
}

methods! {
    /// The methods of a dictionary.
    DictMethod {
        Clear = "clear",
        Copy = "copy",
        Get = "get",
        Items = "items",
        Keys = "keys",
        Pop = "pop",
        Popitem = "popitem",
        Setdefault = "setdefault",
        Update = "update",
        Values = "values",
    }
}
