//! The patterns that are there, kept so that those that match a subject are found without looking at the others.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;

use super::text::{ANY, REST};
use super::{Subject, SubjectPattern};

/// Entries under patterns, several under one if need be, found by a subject that their patterns match.
///
/// A tree with a level for each token. A pattern leads down one path of it, and its entries are where that ends. So each
/// has one place, and walking down with a subject comes by each place at most once.
///
/// To be shared behind a `parking_lot::RwLock`: collect clones of what matches, and let go of the lock before doing
/// anything with them. A tree that is read without a lock would save little: the lock is one write to memory that
/// readers share, and so is each clone of a handle. Writing is rare and takes less than a microsecond, save where a
/// hash map doubles: with a hundred thousand tokens side by side that is 5 to 25 ms, once. A `BTreeMap` has no such
/// moment, but finding took about one and a half times as long.
pub(crate) struct Trie<T> {
    root: Node<T>,
    next_key: u64,
}

/// Which of the entries under a pattern. No two entries of a trie ever have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EntryKey(u64);

/// Where one beginning of patterns leads.
struct Node<T> {
    /// Where it goes on with a token that is written out. Boxed, so that little has to be moved when the map grows.
    children: HashMap<Box<str>, Box<Node<T>>, RandomState>,
    /// Where it goes on with `*`.
    any: Option<Box<Node<T>>>,
    /// Under the pattern that goes on with `>`, and so ends.
    rest: Entries<T>,
    /// Under the pattern that ends here.
    here: Entries<T>,
}

/// Sorted, so that removing one of a hundred thousand is no work; and empty, it owns no memory.
type Entries<T> = BTreeMap<EntryKey, T>;

impl<T> Trie<T> {
    /// Adds an entry, which later only its key tells from others under the same pattern.
    pub(crate) fn insert(&mut self, pattern: &SubjectPattern, entry: T) -> EntryKey {
        let key = EntryKey(self.next_key);
        self.next_key += 1;
        self.root.make_place(pattern).insert(key, entry);
        key
    }

    /// Takes an entry out, if it is still there, and with it the nodes that led to it alone.
    pub(crate) fn remove(&mut self, pattern: &SubjectPattern, key: EntryKey) -> Option<T> {
        self.root.remove(Some(pattern.as_str()), key)
    }

    /// Shows `visit` each entry whose pattern matches, once, in no particular order.
    pub(crate) fn for_each_match(&self, subject: &Subject, mut visit: impl FnMut(&T)) {
        self.for_each_place(subject, |entries| entries.values().for_each(&mut visit));
    }

    /// Shows `visit` each entry under this pattern, in the order in which they were added.
    pub(crate) fn for_each_under(&self, pattern: &SubjectPattern, visit: impl FnMut(&T)) {
        self.root.place(pattern).into_iter().flat_map(BTreeMap::values).for_each(visit);
    }

    /// Shows `visit` each place that the subject leads to, also those that have no entries.
    fn for_each_place(&self, subject: &Subject, mut visit: impl FnMut(&Entries<T>)) {
        self.root.for_each_place(Some(subject.as_str()), &mut visit);
    }
}

impl<T> Default for Trie<T> {
    fn default() -> Self {
        Self { root: Node::default(), next_key: 0 }
    }
}

// The tokens that are left are passed on as text, `None` if there are none. No path is longer than a subject can be, so
// recursion is bounded.
impl<T> Node<T> {
    /// Where the pattern's entries are, made if need be.
    fn make_place(&mut self, pattern: &SubjectPattern) -> &mut Entries<T> {
        let mut node = self;
        for token in pattern.tokens() {
            node = match token {
                REST => return &mut node.rest,
                ANY => node.any.get_or_insert_default(),
                literal => node.children.entry(literal.into()).or_default(),
            };
        }
        &mut node.here
    }

    /// Where the pattern's entries are, if there are any.
    fn place(&self, pattern: &SubjectPattern) -> Option<&Entries<T>> {
        let mut node = self;
        for token in pattern.tokens() {
            node = match token {
                REST => return Some(&node.rest),
                ANY => node.any.as_deref()?,
                literal => node.children.get(literal)?,
            };
        }
        Some(&node.here)
    }

    fn remove(&mut self, rest: Option<&str>, key: EntryKey) -> Option<T> {
        let Some(rest) = rest else { return self.here.remove(&key) };
        let (token, rest) = split_first(rest);
        match token {
            REST => self.rest.remove(&key),
            ANY => {
                let any = self.any.as_mut()?;
                let removed = any.remove(rest, key);
                self.any.take_if(|any| any.is_empty());
                removed
            }
            literal => {
                let child = self.children.get_mut(literal)?;
                let removed = child.remove(rest, key);
                if child.is_empty() {
                    self.children.remove(literal);
                }
                removed
            }
        }
    }

    fn for_each_place(&self, rest: Option<&str>, visit: &mut impl FnMut(&Entries<T>)) {
        let Some(rest) = rest else { return visit(&self.here) };
        visit(&self.rest);
        let (token, rest) = split_first(rest);
        if let Some(child) = self.children.get(token) {
            child.for_each_place(rest, visit);
        }
        if let Some(any) = &self.any {
            any.for_each_place(rest, visit);
        }
    }

    fn is_empty(&self) -> bool {
        self.here.is_empty() && self.rest.is_empty() && self.any.is_none() && self.children.is_empty()
    }
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self { children: HashMap::default(), any: None, rest: Entries::new(), here: Entries::new() }
    }
}

/// The first token, and the others if there are any.
fn split_first(tokens: &str) -> (&str, Option<&str>) {
    match tokens.split_once('.') {
        Some((first, rest)) => (first, Some(rest)),
        None => (tokens, None),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_entry_is_found_under_each_subject_that_its_pattern_matches() {
        let mut trie = Trie::default();
        for text in ["time.us.east", "time.*.east", "time.us.>", ">", "*.*", "time.us"] {
            trie.insert(&pattern(text), text);
        }
        assert_eq!(matches(&trie, "time.us.east"), [">", "time.*.east", "time.us.>", "time.us.east"]);
        assert_eq!(matches(&trie, "time.us"), ["*.*", ">", "time.us"]);
        assert_eq!(matches(&trie, "time"), [">"]);
    }

    #[test]
    fn an_entry_is_found_under_its_own_pattern_and_no_other() {
        let mut trie = Trie::default();
        let all = ["time.us.east", "time.*.east", "time.us.>", ">", "*.*", "time.us"];
        for text in all {
            trie.insert(&pattern(text), text);
        }
        let under = |text| {
            let mut found = Vec::new();
            trie.for_each_under(&pattern(text), |entry| found.push(*entry));
            found
        };
        assert!(all.iter().all(|text| under(text) == [*text]));
        assert!(["time", "*.>", "time.*", "other.>"].iter().all(|text| under(text).is_empty()));
    }

    #[test]
    fn several_entries_of_one_pattern_are_told_apart_by_their_keys() {
        let mut trie = Trie::default();
        let first = trie.insert(&pattern("a.*"), 1);
        let second = trie.insert(&pattern("a.*"), 2);
        assert_eq!(matches(&trie, "a.b"), [1, 2]);
        assert_eq!(trie.remove(&pattern("a.*"), first), Some(1));
        assert_eq!(trie.remove(&pattern("a.*"), first), None);
        assert_eq!(matches(&trie, "a.b"), [2]);
        assert_eq!(trie.remove(&pattern("a.*"), second), Some(2));
    }

    #[test]
    fn a_key_is_never_given_twice() {
        let mut trie = Trie::default();
        let first = trie.insert(&pattern("a"), 1);
        trie.remove(&pattern("a"), first);
        trie.insert(&pattern("a"), 2);
        assert_eq!(trie.remove(&pattern("a"), first), None);
        assert_eq!(matches(&trie, "a"), [2]);
    }

    #[test]
    fn the_deepest_of_patterns_fits() {
        let mut trie = Trie::default();
        let (stars, subject) = (["*"; 32].join("."), ["a"; 32].join("."));
        trie.insert(&pattern(&stars), 1);
        trie.insert(&pattern(&subject), 2);
        assert_eq!(matches(&trie, &subject), [1, 2]);
    }

    #[test]
    fn what_does_not_match_is_not_looked_at() {
        let mut trie = Trie::default();
        for number in 0..100_000 {
            trie.insert(&pattern(&format!("orders.{number}.created")), number);
        }
        for number in 0..9 {
            trie.insert(&pattern("orders.*.created"), number);
        }
        let (mut places, mut entries) = (0, 0);
        trie.for_each_place(&Subject::new("orders.777.created").unwrap(), |place| {
            places += 1;
            entries += place.len();
        });
        // The root, `orders`, and two nodes below for each of `777` and `*`.
        assert_eq!((places, entries), (6, 10));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert(SubjectPattern),
        /// The entry at this place in the list, if there is one.
        Remove(usize),
        /// A key that belongs to some entry, under a pattern that may be another's.
        RemoveElsewhere(usize, SubjectPattern),
        Look(Subject),
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn it_holds_what_a_list_of_patterns_would(steps in prop::collection::vec(a_step(), 0..60)) {
            let (mut trie, mut list) = (Trie::default(), Vec::new());
            for (id, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Insert(pattern) => {
                        let key = trie.insert(&pattern, id);
                        list.push((pattern, key, id));
                    }
                    Step::Remove(place) if place < list.len() => {
                        let (pattern, key, id) = list.swap_remove(place);
                        prop_assert_eq!(trie.remove(&pattern, key), Some(id));
                    }
                    Step::RemoveElsewhere(place, pattern) if place < list.len() && list[place].0 != pattern => {
                        prop_assert_eq!(trie.remove(&pattern, list[place].1), None);
                    }
                    Step::Look(subject) => prop_assert_eq!(found(&trie, &subject), expected(&list, &subject)),
                    _ => {}
                }
                prop_assert!(is_pruned(&trie.root));
            }
            for (pattern, key, id) in list {
                prop_assert_eq!(trie.remove(&pattern, key), Some(id));
            }
            prop_assert!(trie.root.is_empty());
        }
    }

    // Few tokens and short texts, so that patterns meet.
    fn a_step() -> impl Strategy<Value = Step> {
        let pattern = || "[abc*]([.][ab*]){0,3}([.]>)?|>".prop_map(|text| pattern(&text));
        prop_oneof![
            4 => pattern().prop_map(Step::Insert),
            2 => (0_usize..20).prop_map(Step::Remove),
            1 => (0_usize..20, pattern()).prop_map(|(place, pattern)| Step::RemoveElsewhere(place, pattern)),
            4 => "[abc]([.][abc]){0,4}".prop_map(|text| Step::Look(Subject::new(text).unwrap())),
        ]
    }

    fn expected(list: &[(SubjectPattern, EntryKey, usize)], subject: &Subject) -> Vec<usize> {
        let mut ids: Vec<_> =
            list.iter().filter(|(pattern, ..)| pattern.matches(subject)).map(|entry| entry.2).collect();
        ids.sort_unstable();
        ids
    }

    fn found<T: Copy + Ord>(trie: &Trie<T>, subject: &Subject) -> Vec<T> {
        let mut entries = Vec::new();
        trie.for_each_match(subject, |entry| entries.push(*entry));
        entries.sort_unstable();
        entries
    }

    fn matches<T: Copy + Ord>(trie: &Trie<T>, subject: &str) -> Vec<T> {
        found(trie, &Subject::new(subject).unwrap())
    }

    /// Whether each node but the topmost leads to an entry.
    fn is_pruned<T>(node: &Node<T>) -> bool {
        node.children.values().chain(&node.any).all(|child| !child.is_empty() && is_pruned(child))
    }

    fn pattern(text: &str) -> SubjectPattern {
        SubjectPattern::new(text).unwrap()
    }
}
