//! The macros that declare settings: each key once, with its type, default and description.
//! Reading, defaults, schema and printing all come from that one line.

/// Declares one section: a struct with its keys in documented order.
///
/// `requires [..]` names keys without a default; `[sparse]` leaves unset (`null`) keys out when printing.
macro_rules! section {
    ($(#[doc = $head:literal])+ $name:ident $(requires [$($required:literal),*])? $([$sparse:ident])? {
        $($(#[doc = $about:literal])+ $field:ident $key:literal: $type:ty = $default:expr;)+
    }) => {
        $(#[doc = $head])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $($(#[doc = $about])+ pub $field: $type,)+
        }

        impl Default for $name {
            fn default() -> Self {
                $name { $($field: $default,)+ }
            }
        }

        impl $crate::config::reader::Setting for $name {
            fn shape() -> $crate::config::shape::Shape {
                let required: &[&str] = &[$($($required),*)?];
                let default = $name::default();
                $crate::config::shape::Shape::Section(vec![$($crate::config::shape::Key {
                    name: $key,
                    about: concat!($($about),+).trim().to_owned(),
                    shape: <$type as $crate::config::reader::Setting>::shape(),
                    required: required.contains(&$key),
                    default: serde_json::to_value($crate::config::reader::Setting::print(&default.$field)).unwrap_or_default(),
                }),+])
            }

            fn read(
                node: &$crate::config::tree::Node,
                reader: &mut $crate::config::reader::Reader,
            ) -> Option<Self> {
                let mut section = Self::default();
                // What is no section was reported; its default keeps the places of the entries behind it.
                let entries = reader.section(node, &[$($key),+], &[$($($required),*)?]).unwrap_or_default();
                $(reader.key(entries, $key, &mut section.$field);)+
                Some(section)
            }

            fn print(&self) -> $crate::config::tree::Node {
                use $crate::config::tree::{Entry, Node, Position, Value};
                let sparse = [$(stringify!($sparse))?].contains(&"sparse");
                let entries = [$(($key, $crate::config::reader::Setting::print(&self.$field))),+];
                let kept = entries.into_iter().filter(|(_, node)| !sparse || node.value != Value::Null);
                let entry = |(key, node): (&str, Node)| Entry { key: key.to_owned(), at: Position::default(), node };
                Node::bare(Value::Map(kept.map(entry).collect()))
            }
        }
    };
}

/// Declares how the variants of an enum are written.
macro_rules! choices {
    ($name:ty { $($text:literal => $variant:path),+ $(,)? }) => {
        impl $crate::config::reader::Setting for $name {
            fn shape() -> $crate::config::shape::Shape {
                $crate::config::shape::Shape::Leaf(serde_json::json!({ "enum": [$($text),+] }))
            }

            fn read(
                node: &$crate::config::tree::Node,
                reader: &mut $crate::config::reader::Reader,
            ) -> Option<Self> {
                let text = match &node.value {
                    $crate::config::tree::Value::Text(text) => text.as_str(),
                    _ => "",
                };
                match text {
                    $($text => Some($variant),)+
                    _ => {
                        let known = [$($text),+];
                        let advice = match $crate::config::shape::nearest(text, known) {
                            Some(near) => format!("did you mean `{near}`?"),
                            None => format!("write one of them"),
                        };
                        reader.wrong(node, format!("is not one of {}", known.join(", ")), &advice);
                        None
                    }
                }
            }

            fn print(&self) -> $crate::config::tree::Node {
                $crate::config::tree::Node::text(match self {
                    $($variant => $text,)+
                })
            }
        }
    };
}

pub(super) use {choices, section};
