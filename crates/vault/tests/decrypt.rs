//! Files that ansible-vault and eyaml wrote, decrypted.
#![allow(missing_docs, reason = "a test")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::{Map, Value, json};
use slipway_vault::{KeyFiles, Keys, VaultError};

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(data(name)).unwrap()
}

fn keys() -> Keys {
    let files = KeyFiles {
        vault_password: Some(data("password")),
        eyaml_private_key: Some(data("private_key.pem")),
    };
    files.read().unwrap()
}

/// Returns the values of `ENC[...]` in the file of eyaml, as YAML reads them.
fn encrypted() -> Map<String, Value> {
    let text = text("eyaml.yaml");
    let values: Vec<String> = text
        .split("ENC[")
        .skip(1)
        .map(|part| format!("ENC[{}]", part.split(']').next().unwrap()))
        .collect();
    let value = json!({
        "keystone_admin_password": values[0],
        "url": format!("mysql://a:{}@db/a", values[1]),
        "nested": {"list": [values[2]]},
        "plain": 7,
    });
    value.as_object().unwrap().clone()
}

#[test]
fn files_of_ansible_vault_are_decrypted() {
    let plain = "keystone_admin_password: \"s3cret from the vault\"\nplain_key: 7\n";
    for name in ["vault-1.1.yaml", "vault-1.2.yaml"] {
        let decrypted = keys().decrypt_file(&text(name)).unwrap();
        assert_eq!(decrypted.as_deref(), Some(plain), "{name}");
    }
    assert_eq!(keys().decrypt_file(plain).unwrap(), None);
}

#[test]
fn values_of_eyaml_are_decrypted_at_any_depth() {
    let mut map = encrypted();
    let secrets = keys().decrypt_values(&mut map).unwrap();
    assert_eq!(map["keystone_admin_password"], "s3cret from eyaml");
    assert_eq!(map["url"], "mysql://a:another@db/a");
    assert_eq!(map["nested"]["list"][0], "s3cret from eyaml");
    assert_eq!(map["plain"], 7);
    assert_eq!(
        secrets,
        ["s3cret from eyaml", "another", "s3cret from eyaml"]
    );
}

#[test]
fn a_missing_key_is_named() {
    let error = Keys::default()
        .decrypt_values(&mut encrypted())
        .unwrap_err();
    assert!(matches!(error.1, VaultError::PrivateKeyNeeded), "{error:?}");
    assert_eq!(error.0, "keystone_admin_password");
    let error = Keys::default()
        .decrypt_file(&text("vault-1.1.yaml"))
        .unwrap_err();
    assert!(matches!(error, VaultError::PasswordNeeded), "{error:?}");
}

#[test]
fn what_was_changed_or_cut_off_is_refused() {
    let vault = text("vault-1.1.yaml");
    let changed = vault.replacen('3', "4", 9);
    assert!(keys().decrypt_file(&changed).is_err());
    for length in [30, 100, vault.len() - 40] {
        assert!(keys().decrypt_file(&vault[..length]).is_err(), "{length}");
    }
    for version in ["1.0;AES", "1.3;AES256", "1.1;AES128"] {
        let error = keys()
            .decrypt_file(&format!("$ANSIBLE_VAULT;{version}\n00"))
            .unwrap_err();
        assert!(matches!(error, VaultError::Unsupported { .. }), "{error:?}");
    }
    let value = encrypted()["keystone_admin_password"]
        .as_str()
        .unwrap()
        .to_owned();
    let broken = [
        "ENC[PKCS7",
        "ENC[PKCS7]",
        "ENC[GPG,x]",
        "ENC[PKCS7,!]",
        &value[..100],
    ];
    for broken in broken
        .map(str::to_owned)
        .into_iter()
        .chain([value.replace("MII", "MIJ")])
    {
        let mut map = json!({"key": broken}).as_object().unwrap().clone();
        assert!(keys().decrypt_values(&mut map).is_err(), "{broken}");
    }
}

#[test]
fn a_wrong_password_is_told_from_a_missing_one() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("password");
    let read = || {
        let files = KeyFiles {
            vault_password: Some(file.clone()),
            eyaml_private_key: None,
        };
        files.read()
    };
    assert!(matches!(read().unwrap_err(), VaultError::Read { .. }));
    std::fs::write(&file, "\n").unwrap();
    assert!(matches!(read().unwrap_err(), VaultError::NoPassword { .. }));
    std::fs::write(&file, "other\n").unwrap();
    let error = read()
        .unwrap()
        .decrypt_file(&text("vault-1.1.yaml"))
        .unwrap_err();
    assert!(matches!(error, VaultError::WrongPassword), "{error:?}");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o700)).unwrap();
    assert!(matches!(read().unwrap_err(), VaultError::Program { .. }));
    let files = KeyFiles {
        vault_password: None,
        eyaml_private_key: Some(data("password")),
    };
    assert!(matches!(
        files.read().unwrap_err(),
        VaultError::NoPrivateKey { .. }
    ));
}

#[test]
fn keys_are_not_shown() {
    assert_eq!(format!("{:?}", keys()), "Keys { .. }");
}
