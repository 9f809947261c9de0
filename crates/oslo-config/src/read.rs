//! Reading the options of a section into a struct.

use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::error::{ConfigError, Place};
use super::option::OptionDef;
use super::schema::DEFAULT;
use super::settings::Settings;
use super::value::Value;

impl Settings {
    /// Reads the options of section `DEFAULT` into a struct with one field for each option, named
    /// as the option's key. An option without a field is an error, and so is a field without an
    /// option; options that are ignored or refused have none.
    ///
    /// ```
    /// use slipway_oslo_config::{ConfigFiles, Kind, OptionDef, Schema, Section, Settings};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Config {
    ///     tag: Option<String>,
    ///     threads: usize,
    /// }
    /// const OPTIONS: &[OptionDef] = &[
    ///     OptionDef::new("tag", Kind::Text, "Tag of the images"),
    ///     OptionDef::new("threads", Kind::Int { min: Some(1) }, "Images built at once").default("8"),
    /// ];
    /// const SCHEMA: Schema = Schema { default: OPTIONS, section: |_| Section::Options(&[]) };
    ///
    /// let files = ConfigFiles::from_text("app.conf".as_ref(), "[DEFAULT]\ntag = x\n")?;
    /// let settings = Settings::new(SCHEMA, Default::default(), Default::default(), files);
    /// let config: Config = settings.read()?;
    /// assert_eq!((config.tag.as_deref(), config.threads), (Some("x"), 8));
    /// # Ok::<(), slipway_oslo_config::ConfigError>(())
    /// ```
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        T::deserialize(SectionReader { settings: self })
    }
}

struct SectionReader<'s> {
    settings: &'s Settings,
}

impl SectionReader<'_> {
    /// Checks that the options and the fields are the same.
    fn check(&self, fields: &[&str]) -> Result<(), ConfigError> {
        let mut options = self.settings.schema().default.iter();
        let without_field =
            options.find(|option| option.has_field() && !fields.contains(&option.key().as_str()));
        if let Some(option) = without_field {
            let message = format!("option {} has no field", option.name);
            return Err(ConfigError::Fields { message });
        }
        let has_option = |field: &&&str| {
            let option = self.settings.schema().option(DEFAULT, field);
            option.is_some_and(|option| option.has_field())
        };
        match fields.iter().find(|field| !has_option(field)) {
            Some(field) => Err(ConfigError::Fields {
                message: format!("field {field} has no option"),
            }),
            None => Ok(()),
        }
    }
}

impl<'de> de::Deserializer<'de> for SectionReader<'_> {
    type Error = ConfigError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, ConfigError> {
        Err(de::Error::custom("options are read into a struct only"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ConfigError> {
        self.check(fields)?;
        let options = self.settings.schema().default.iter();
        visitor.visit_map(OptionAccess {
            settings: self.settings,
            options,
            current: None,
        })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct OptionAccess<'s> {
    settings: &'s Settings,
    options: std::slice::Iter<'static, OptionDef>,
    current: Option<String>,
}

impl<'de> MapAccess<'de> for OptionAccess<'_> {
    type Error = ConfigError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ConfigError> {
        let Some(option) = self.options.find(|option| option.has_field()) else {
            return Ok(None);
        };
        let key = option.key();
        self.current = Some(key.clone());
        seed.deserialize(key.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, ConfigError> {
        let key = self.current.take().unwrap_or_default();
        let value = self.settings.get(&key)?;
        seed.deserialize(ValueReader(value))
            .map_err(|error| match error {
                ConfigError::Unplaced { message } => ConfigError::Rejected {
                    place: self
                        .settings
                        .place(DEFAULT, &key)
                        .unwrap_or_else(|| Place::Default(key.clone())),
                    key,
                    message,
                },
                other => other,
            })
    }
}

struct ValueReader(Value);

impl<'de> de::Deserializer<'de> for ValueReader {
    type Error = ConfigError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        match self.0 {
            Value::None => visitor.visit_unit(),
            Value::Text(text) => visitor.visit_string(text),
            Value::Bool(flag) => visitor.visit_bool(flag),
            Value::Int(number) => visitor.visit_i64(number),
            Value::List(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter())),
            Value::Dict(pairs) => visitor.visit_map(MapDeserializer::new(pairs.into_iter())),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        match self.0 {
            Value::None => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        match self.0 {
            Value::None => ValueReader(Value::List(Vec::new())).deserialize_any(visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        match self.0 {
            Value::None => ValueReader(Value::Dict(Vec::new())).deserialize_any(visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ConfigError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ConfigError> {
        match self.0 {
            Value::Text(text) => visitor.visit_enum(text.into_deserializer()),
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct tuple tuple_struct struct identifier ignored_any
    }
}

impl de::Error for ConfigError {
    fn custom<T: fmt::Display>(message: T) -> ConfigError {
        ConfigError::Unplaced {
            message: message.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;
    use crate::{ConfigFiles, Kind, Schema, Section};

    const SCHEMA: Schema = Schema {
        default: &[
            OptionDef::new("tag", Kind::Text, ""),
            OptionDef::new("threads", Kind::Int { min: None }, "").default("8"),
            OptionDef::new("old", Kind::Text, "").ignored("it is old"),
            OptionDef::new("docker-dir", Kind::Multi, ""),
            OptionDef::new("build-args", Kind::Dict, ""),
        ],
        section: |_| Section::Options(&[]),
    };

    fn settings(text: &str) -> Settings {
        let files = ConfigFiles::from_text("f.conf".as_ref(), text).unwrap();
        Settings::new(SCHEMA, BTreeMap::new(), BTreeMap::new(), files)
    }

    #[derive(Debug, Deserialize)]
    struct Config {
        tag: Option<String>,
        threads: u8,
        docker_dir: Vec<String>,
        build_args: BTreeMap<String, String>,
    }

    #[test]
    fn each_option_becomes_a_field() {
        let text = "[DEFAULT]\ndocker_dir = a\ndocker_dir = b\nbuild_args = k:v\n";
        let config: Config = settings(text).read().unwrap();
        assert_eq!((config.tag, config.threads), (None, 8));
        assert_eq!(config.docker_dir, ["a", "b"]);
        assert_eq!(config.build_args["k"], "v");
        let empty: Config = settings("").read().unwrap();
        assert!(empty.docker_dir.is_empty() && empty.build_args.is_empty());
    }

    #[test]
    fn a_value_that_a_field_rejects_is_an_error_with_its_place() {
        let error = settings("[DEFAULT]\nthreads = 300\n").read::<Config>();
        let error = error.unwrap_err().to_string();
        assert!(
            error.starts_with("f.conf:2: threads: invalid value"),
            "{error}"
        );
    }

    #[test]
    fn options_and_fields_are_the_same() {
        #[derive(Debug, Deserialize)]
        #[allow(dead_code)]
        struct Less {
            tag: Option<String>,
        }
        #[derive(Debug, Deserialize)]
        #[allow(dead_code)]
        struct More {
            tag: Option<String>,
            threads: u8,
            docker_dir: Vec<String>,
            build_args: BTreeMap<String, String>,
            old: Option<String>,
        }
        let error = settings("").read::<Less>().unwrap_err().to_string();
        assert!(error.contains("option threads has no field"), "{error}");
        let error = settings("").read::<More>().unwrap_err().to_string();
        assert!(error.contains("field old has no option"), "{error}");
    }
}
