//! A deserializer that knows where in a file it is, so that reading can go on behind a fault.
//!
//! A type's own `Deserialize` stops at the first fault. It is called again with what was told
//! passed over, and with something that stands in for what is missing, until nothing is left to
//! tell. What is read so is thrown away: it only shows what else is wrong.

use crate::fault::Step;
use serde::de::value::{MapDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, IntoDeserializer, MapAccess,
    SeqAccess, Visitor,
};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

/// Where reading is, where it failed, and what is not read again.
#[derive(Debug, Default)]
pub(crate) struct Track {
    at: RefCell<Vec<Step>>,
    failed: RefCell<Option<Vec<Step>>>,
    passed: BTreeSet<Vec<Step>>,
    stood_in: BTreeSet<Vec<Step>>,
}

impl Track {
    /// Where reading failed first; empty for the whole.
    pub(crate) fn take_failed(&mut self) -> Vec<Step> {
        self.at.get_mut().clear();
        self.failed.get_mut().take().unwrap_or_default()
    }

    /// Passes a value over from now on; false if it was passed over before.
    pub(crate) fn pass(&mut self, steps: Vec<Step>) -> bool {
        self.passed.insert(steps)
    }

    /// Stands in for a missing key from now on; false if something stood in for it before.
    pub(crate) fn stand_in(&mut self, steps: Vec<Step>) -> bool {
        self.stood_in.insert(steps)
    }

    /// Whether a value is passed over.
    pub(crate) fn has_passed(&self, steps: &[Step]) -> bool {
        self.passed.contains(steps)
    }

    /// Whether something stands in for a value.
    pub(crate) fn is_stood_in(&self, steps: &[Step]) -> bool {
        self.stood_in.contains(steps)
    }

    /// Whether something in a value is passed over.
    pub(crate) fn has_passed_below(&self, steps: &[Step]) -> bool {
        self.passed.iter().any(|passed| passed.len() > steps.len() && passed.starts_with(steps))
    }

    fn here(&self, step: Step) -> Vec<Step> {
        let mut steps = self.at.borrow().clone();
        steps.push(step);
        steps
    }

    /// The keys of the map where reading is that something stands in for.
    fn stand_ins(&self) -> Vec<String> {
        let at = self.at.borrow();
        let of_here = self.stood_in.iter().filter_map(|steps| match steps.split_last() {
            Some((Step::Key(key), above)) if above == &at[..] => Some(key.clone()),
            _ => None,
        });
        of_here.collect()
    }

    fn within<T, E>(&self, step: Step, read: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.at.borrow_mut().push(step);
        let found = read();
        if found.is_err() {
            let mut failed = self.failed.borrow_mut();
            if failed.is_none() {
                *failed = Some(self.at.borrow().clone());
            }
        }
        self.at.borrow_mut().pop();
        found
    }
}

/// Something that knows where it is.
pub(crate) struct Tracked<'t, T> {
    /// The same without.
    pub(crate) inner: T,
    /// Where it is.
    pub(crate) track: &'t Track,
}

macro_rules! forward {
    ($($method:ident($($argument:ident: $type:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(
            self, $($argument: $type,)* visitor: V,
        ) -> Result<V::Value, D::Error> {
            let Self { inner, track } = self;
            inner.$method($($argument,)* Tracked { inner: visitor, track })
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Tracked<'_, D> {
    type Error = D::Error;

    forward! {
        deserialize_any() deserialize_bool()
        deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64()
        deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64()
        deserialize_f32() deserialize_f64() deserialize_char() deserialize_str()
        deserialize_string() deserialize_bytes() deserialize_byte_buf() deserialize_option()
        deserialize_unit() deserialize_unit_struct(name: &'static str)
        deserialize_newtype_struct(name: &'static str) deserialize_seq()
        deserialize_tuple(len: usize) deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_map() deserialize_struct(name: &'static str, fields: &'static [&'static str])
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
        deserialize_identifier() deserialize_ignored_any()
    }
}

macro_rules! visit {
    ($($method:ident($type:ty))*) => {$(
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$method(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Tracked<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    visit! {
        visit_bool(bool) visit_i64(i64) visit_i128(i128) visit_u64(u64) visit_u128(u128)
        visit_f64(f64) visit_str(&str) visit_borrowed_str(&'de str) visit_string(String)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.inner.visit_some(Tracked { inner, track: self.track })
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(Tracked { inner, track: self.track })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.inner.visit_seq(Items { inner, track: self.track, next: 0 })
    }

    fn visit_map<A: MapAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        let (track, stand_ins) = (self.track, self.track.stand_ins());
        self.inner.visit_map(Keys { inner, track, stand_ins, key: None })
    }

    fn visit_enum<A: EnumAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(inner)
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Tracked<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Tracked { inner, track: self.track })
    }
}

/// The items of a list that are not passed over.
struct Items<'t, A> {
    inner: A,
    track: &'t Track,
    next: usize,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Items<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        while self.track.has_passed(&self.track.here(Step::At(self.next))) {
            if self.inner.next_element::<IgnoredAny>()?.is_none() {
                return Ok(None);
            }
            self.next += 1;
        }
        let (at, track, inner) = (self.next, self.track, &mut self.inner);
        self.next += 1;
        track.within(Step::At(at), || inner.next_element_seed(Tracked { inner: seed, track }))
    }
}

/// Where the value of a key comes from.
enum Value {
    /// From the file.
    Said,
    /// Something stands in for it.
    StoodIn,
}

/// The keys of a map that are not passed over, and those that something stands in for.
struct Keys<'t, A> {
    inner: A,
    track: &'t Track,
    stand_ins: Vec<String>,
    key: Option<(String, Value)>,
}

impl<'de, A: MapAccess<'de>> Keys<'_, A> {
    fn next(&mut self) -> Result<Option<(String, Value)>, A::Error> {
        while let Some(key) = self.inner.next_key::<String>()? {
            if !self.track.has_passed(&self.track.here(Step::Key(key.clone()))) {
                return Ok(Some((key, Value::Said)));
            }
            self.inner.next_value::<IgnoredAny>()?;
        }
        Ok(self.stand_ins.pop().map(|key| (key, Value::StoodIn)))
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Keys<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        let Some((key, from)) = self.next()? else { return Ok(None) };
        let read = || seed.deserialize(StrDeserializer::<A::Error>::new(&key));
        let found = self.track.within(Step::Key(key.clone()), read)?;
        self.key = Some((key, from));
        Ok(Some(found))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let (track, inner) = (self.track, &mut self.inner);
        let Some((key, from)) = self.key.take() else {
            return inner.next_value_seed(Tracked { inner: seed, track });
        };
        track.within(Step::Key(key), || match from {
            Value::Said => inner.next_value_seed(Tracked { inner: seed, track }),
            Value::StoodIn => seed.deserialize(StandIn(PhantomData)),
        })
    }
}

/// Something for what is missing: an empty text, zero, an empty list.
struct StandIn<E>(PhantomData<E>);

impl<E: Error> IntoDeserializer<'_, E> for StandIn<E> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! zero {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
            visitor.visit_u64(0)
        }
    )*};
}

impl<'de, E: Error> Deserializer<'de> for StandIn<E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_str("")
    }

    zero! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_f32 deserialize_f64
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_bool(false)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_none()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, E> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_seq(SeqDeserializer::<_, E>::new(std::iter::empty::<Self>()))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_map(MapDeserializer::<_, E>::new(std::iter::empty::<(Self, Self)>()))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        let keys = fields.iter().map(|field| (*field, Self(PhantomData)));
        visitor.visit_map(MapDeserializer::<_, E>::new(keys))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        let first = variants.first().copied().unwrap_or_default();
        visitor.visit_enum(StrDeserializer::<E>::new(first))
    }

    serde::forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}
