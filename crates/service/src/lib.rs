//! Service declarations (role_data), and their merge into a role.
//!
//! A service is one YAML file: the hiera data that it needs, the config volume that Puppet generates
//! for it, its `config.json`, its containers by step, and the tasks that run around them.
//! [`load_dir`] reads a directory of services, and [`Role::merge`] merges them. Unknown keys and wrong
//! types are errors that name the file, the line, the key and the nearest valid name.
//!
//! ```
//! use std::path::Path;
//! use slipway_service::{Role, Service, Step};
//!
//! let memcached = Service::parse(Path::new("memcached.yaml"), "
//! service_name: memcached
//! config_settings:
//!   memcached::max_memory: 64
//! puppet_config:
//!   config_volume: memcached
//!   step_config: include memcached
//!   config_image: kolla/memcached
//! docker_config:
//!   step_1:
//!     memcached:
//!       image: kolla/memcached
//!       net: host
//! ")?;
//! let role = Role::merge("Controller", vec![memcached])?;
//! assert_eq!(role.hiera()["memcached::max_memory"], 64);
//! assert!(role.docker_config[&Step::FIRST].0.contains_key("memcached"));
//!
//! let mistyped = Service::parse(Path::new("a.yaml"), "service_name: a\ndocker_confg: {}\n");
//! assert_eq!(
//!     mistyped.unwrap_err().to_string(),
//!     "a.yaml:2:1: docker_confg: unknown key; did you mean `docker_config`?",
//! );
//! # Ok::<(), slipway_service::ServiceError>(())
//! ```

mod container;
mod definition;
mod description;
mod error;
mod lenient;
mod load;
mod merged;
mod role;
mod schema;
mod script;
mod step;
mod tasks;
mod volume;

pub use container::{
    Action, Command, ContainerConfig, ContainerKeys, Device, EnvVar, Healthcheck, Key, Port,
    PublishedPort, RestartPolicy, Tolerated, Ulimit, UnknownKeys, VolumeMount,
};
pub use definition::{ByStep, Containers, Hiera, PuppetConfig, Service, Tasks};
pub use description::{Description, HieraKey, HieraType};
pub use error::{Place, Places, Result, ServiceError};
pub use load::{definition_files, load_dir};
pub use role::{Role, RoleData};
pub use schema::{containers_schema, entries_schema, service_schema};
pub use script::{Script, ScriptName, Scripts};
pub use step::{NotAStep, Step};
pub use tasks::TaskList;
pub use volume::{ConfigVolume, NotAConfigVolume};
