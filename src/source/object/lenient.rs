//! Lenient reading: a field of a wrong type is lost alone, the object goes on (SOURCES.md section 4).
//!
//! In: any serde deserializer, JSON or YAML. Out: a value with the fields that could be read, and a [`Fault`] for
//! each that could not. Unknown fields are skipped without being built.

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// Faults kept of one object; the rest are counted.
const MAX_FAULTS: usize = 8;

/// One field of a wrong type.
#[derive(Debug)]
pub struct Fault {
    /// Innermost step first: parents append theirs on the way out, so that a sound object pays nothing for paths.
    steps: Vec<Step>,
    /// Such as `text`.
    pub expected: &'static str,
    /// Such as `a number`.
    pub met: &'static str,
}

#[derive(Debug)]
enum Step {
    Field(&'static str),
    Key(String),
    Index(usize),
}

impl Fault {
    /// The path from the object's root, such as `spec.ports[0].port`.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for step in self.steps.iter().rev() {
            let dot = if path.is_empty() { "" } else { "." };
            match step {
                Step::Field(name) if name.contains('.') => path.extend(["[", name, "]"]),
                Step::Field(name) => path.extend([dot, name]),
                Step::Key(key) => path.extend(["[", key, "]"]),
                Step::Index(index) => path.push_str(&format!("[{index}]")),
            }
        }
        path
    }
}

/// Where the faults of one object gather while it is read.
#[derive(Debug, Default)]
pub struct Faults {
    list: RefCell<Vec<Fault>>,
    surplus: Cell<usize>,
}

impl Faults {
    /// The faults kept, and how many more there were.
    pub fn take(&self) -> (Vec<Fault>, usize) {
        (self.list.take(), self.surplus.take())
    }

    fn add(&self, expected: &'static str, met: &'static str) {
        let mut list = self.list.borrow_mut();
        if list.len() < MAX_FAULTS {
            list.push(Fault { steps: Vec::new(), expected, met });
        } else {
            self.surplus.set(self.surplus.get() + 1);
        }
    }

    fn len(&self) -> usize {
        self.list.borrow().len()
    }

    fn step_since(&self, before: usize, step: impl Fn() -> Step) {
        if self.len() > before {
            self.list.borrow_mut()[before..].iter_mut().for_each(|fault| fault.steps.push(step()));
        }
    }
}

/// A type that is made of one kind of serde value; every other kind is a fault.
pub trait Read<'de>: Sized {
    /// What is expected, in words.
    const EXPECTED: &'static str;

    fn text(_text: Cow<'de, str>) -> Option<Self> {
        None
    }

    fn flag(_flag: bool) -> Option<Self> {
        None
    }

    fn number(_number: i64) -> Option<Self> {
        None
    }

    /// `None` after draining: not a map.
    fn map<A: MapAccess<'de>>(mut map: A, _faults: &Faults) -> Result<Option<Self>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    /// `None` after draining: not a list.
    fn list<A: SeqAccess<'de>>(mut list: A, _faults: &Faults) -> Result<Option<Self>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// The seed of one lenient value; yields `None` for null and for a wrong type.
pub struct Lenient<'f, T> {
    faults: &'f Faults,
    made: PhantomData<T>,
}

impl<'f, T> Lenient<'f, T> {
    pub fn new(faults: &'f Faults) -> Self {
        Lenient { faults, made: PhantomData }
    }
}

impl<'de, T: Read<'de>> Lenient<'_, T> {
    fn or_fault(&self, value: Option<T>, met: &'static str) -> Option<T> {
        if value.is_none() {
            self.faults.add(T::EXPECTED, met);
        }
        value
    }
}

impl<'de, T: Read<'de>> DeserializeSeed<'de> for Lenient<'_, T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Read<'de>> Visitor<'de> for Lenient<'_, T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(self.or_fault(T::flag(flag), "true or false"))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(self.or_fault(T::number(number), "a number"))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        let whole = (number.fract() == 0.0).then_some(number as i64);
        Ok(self.or_fault(whole.and_then(T::number), "a number with a fraction"))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(self.or_fault(T::text(Cow::Borrowed(text)), "text"))
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(self.or_fault(T::text(Cow::Owned(text)), "text"))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let value = T::map(map, self.faults)?;
        Ok(self.or_fault(value, "a map"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        let value = T::list(list, self.faults)?;
        Ok(self.or_fault(value, "a list"))
    }
}

/// Text, borrowed from the input where it stands there unescaped.
impl<'de> Read<'de> for Cow<'de, str> {
    const EXPECTED: &'static str = "text";

    fn text(text: Cow<'de, str>) -> Option<Self> {
        Some(text)
    }
}

impl Read<'_> for bool {
    const EXPECTED: &'static str = "true or false";

    fn flag(flag: bool) -> Option<Self> {
        Some(flag)
    }
}

impl Read<'_> for i64 {
    const EXPECTED: &'static str = "a number";

    fn number(number: i64) -> Option<Self> {
        Some(number)
    }
}

/// A list; items that cannot be read are `None`, so that indexes stay those of the source.
impl<'de, T: Read<'de>> Read<'de> for Vec<Option<T>> {
    const EXPECTED: &'static str = "a list";

    fn list<A: SeqAccess<'de>>(mut list: A, faults: &Faults) -> Result<Option<Self>, A::Error> {
        let mut items = Vec::new();
        loop {
            let before = faults.len();
            let Some(item) = list.next_element_seed(Lenient::new(faults))? else { return Ok(Some(items)) };
            faults.step_since(before, || Step::Index(items.len()));
            items.push(item);
        }
    }
}

/// A map of texts; entries of another type drop out.
impl<'de> Read<'de> for BTreeMap<Cow<'de, str>, Cow<'de, str>> {
    const EXPECTED: &'static str = "a map";

    fn map<A: MapAccess<'de>>(mut map: A, faults: &Faults) -> Result<Option<Self>, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some(key) = map.next_key_seed(KeyText)? {
            let before = faults.len();
            let value = map.next_value_seed(Lenient::<Cow<'de, str>>::new(faults))?;
            faults.step_since(before, || Step::Key(key.to_string()));
            if let Some(value) = value {
                entries.insert(key, value);
            }
        }
        Ok(Some(entries))
    }
}

/// A map of numbers; entries of another type drop out.
impl<'de> Read<'de> for BTreeMap<Cow<'de, str>, i64> {
    const EXPECTED: &'static str = "a map";

    fn map<A: MapAccess<'de>>(mut map: A, faults: &Faults) -> Result<Option<Self>, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some(key) = map.next_key_seed(KeyText)? {
            let before = faults.len();
            let value = map.next_value_seed(Lenient::<i64>::new(faults))?;
            faults.step_since(before, || Step::Key(key.to_string()));
            if let Some(value) = value {
                entries.insert(key, value);
            }
        }
        Ok(Some(entries))
    }
}

/// The seed of a map key.
pub struct KeyText;

impl<'de> DeserializeSeed<'de> for KeyText {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeyText {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text))
    }
}

/// Reads the value of one known field, naming it in faults found below it.
pub fn field<'de, T: Read<'de>, A: MapAccess<'de>>(
    name: &'static str,
    map: &mut A,
    faults: &Faults,
) -> Result<Option<T>, A::Error> {
    let before = faults.len();
    let value = map.next_value_seed(Lenient::new(faults))?;
    faults.step_since(before, || Step::Field(name));
    Ok(value)
}

/// Declares a slim struct: each field with its type and its key; every field is optional, other keys are skipped.
macro_rules! shape {
    ($(#[$meta:meta])* $name:ident { $($field:ident: $type:ty = $key:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        pub struct $name<'de> {
            $(pub $field: Option<$type>,)*
            borrows: std::marker::PhantomData<&'de str>,
        }

        impl<'de> $name<'de> {
            /// Reads the value that stands behind `key`; false: it is no field, its value still stands there.
            pub fn read_field<A: serde::de::MapAccess<'de>>(
                &mut self,
                key: &str,
                map: &mut A,
                faults: &$crate::source::object::lenient::Faults,
            ) -> Result<bool, A::Error> {
                match key {
                    $($key => self.$field = $crate::source::object::lenient::field($key, map, faults)?,)*
                    _ => return Ok(false),
                }
                Ok(true)
            }
        }

        impl<'de> $crate::source::object::lenient::Read<'de> for $name<'de> {
            const EXPECTED: &'static str = "a map";

            fn map<A: serde::de::MapAccess<'de>>(
                mut map: A,
                faults: &$crate::source::object::lenient::Faults,
            ) -> Result<Option<Self>, A::Error> {
                let mut shape = $name::default();
                while let Some(key) = map.next_key_seed($crate::source::object::lenient::KeyText)? {
                    if !shape.read_field(&key, &mut map, faults)? {
                        map.next_value::<serde::de::IgnoredAny>()?;
                    }
                }
                Ok(Some(shape))
            }
        }
    };
}
pub(super) use shape;
