use std::hash::{BuildHasher, Hash};

use papaya::{Compute, Equivalent, LocalGuard, Operation};
use shuttle::sync::atomic::{AtomicBool, Ordering};

/// The real map, where others may run before each of its steps.
pub(crate) struct HashMap<K, V, S>(papaya::HashMap<K, V, S>);

pub(crate) struct HashMapRef<'a, K, V, S, G>(papaya::HashMapRef<'a, K, V, S, G>);

impl<K: Hash + Eq, V, S: BuildHasher> HashMap<K, V, S> {
    pub(crate) fn with_hasher(hasher: S) -> Self {
        Self(papaya::HashMap::with_hasher(hasher))
    }

    pub(crate) fn len(&self) -> usize {
        self.pin().len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn pin(&self) -> HashMapRef<'_, K, V, S, LocalGuard<'_>> {
        HashMapRef(self.0.pin())
    }
}

impl<'a, K: Hash + Eq, V, S: BuildHasher> HashMapRef<'a, K, V, S, LocalGuard<'a>> {
    /// The map as it is when others have had their turn.
    fn now(&self) -> &papaya::HashMapRef<'a, K, V, S, LocalGuard<'a>> {
        AtomicBool::new(false).load(Ordering::SeqCst);
        &self.0
    }

    pub(crate) fn len(&self) -> usize {
        self.now().len()
    }

    pub(crate) fn reserve(&self, more: usize) {
        self.now().reserve(more);
    }

    pub(crate) fn get<Q: Equivalent<K> + Hash + ?Sized>(&self, key: &Q) -> Option<&V> {
        self.now().get(key)
    }

    pub(crate) fn insert(&self, key: K, value: V) -> Option<&V> {
        self.now().insert(key, value)
    }

    pub(crate) fn try_insert(&self, key: K, value: V) -> Result<&V, ()> {
        self.now().try_insert(key, value).map_err(drop)
    }

    pub(crate) fn compute<'g, F, T>(&'g self, key: K, compute: F) -> Compute<'g, K, V, T>
    where
        F: FnMut(Option<(&'g K, &'g V)>) -> Operation<V, T>,
    {
        self.now().compute(key, compute)
    }

    pub(crate) fn remove<Q: Equivalent<K> + Hash + ?Sized>(&self, key: &Q) -> Option<&V> {
        self.now().remove(key)
    }

    pub(crate) fn remove_if<Q: Equivalent<K> + Hash + ?Sized>(
        &self,
        key: &Q,
        may: impl FnMut(&K, &V) -> bool,
    ) -> Result<Option<(&K, &V)>, (&K, &V)> {
        self.now().remove_if(key, may)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.now().iter()
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.now().values()
    }
}
