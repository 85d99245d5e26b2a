//! Whatever a person does, against a reference: after every round the tree is what the simulator knows to be true, but for
//! what is held. With sidecars and without, albums in each style, in two libraries.

mod action;
mod reference;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;

use icloud_simulator::Options;
use icloud_simulator::fault::{Effect, Fault};
use photosfs::index::Decision;
use photosfs::sync::Round;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use self::action::{Action, Trouble, Word, World, batch, trouble, word};
use self::reference::{Held, Inodes, assert_follows, assert_sidecars, assert_stable};
use crate::listing::{Key, expected, found};
use crate::stage::Stage;

/// Steps between two rounds.
const BATCH: usize = 50;
/// Rounds of one history.
const ROUNDS: usize = 21;
/// One history each: 10 × 21 × 50 steps. In the last one a photo comes without its master.
const SEEDS: [u64; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 38];
/// Another process goes on after so many rounds.
const RESTART: usize = 8;

/// Everything that people and the service do, from a seed.
struct History {
    stage: Stage,
    world: World,
    with_sidecars: bool,
    inodes: Inodes,
    counts: Counts,
}

/// What happened in a history.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    steps: usize,
    mass_deletions: usize,
    rounds_while_held: usize,
    rejected: usize,
    failed_rounds: usize,
}

impl History {
    fn new(seed: u64) -> History {
        let albums = ["hardlink", "symlink", "copy"][seed as usize % 3];
        let with_sidecars = seed.is_multiple_of(2);
        let sidecars = if with_sidecars { "xmp" } else { "none" };
        let settings = format!("albums = '{albums}'\nsidecars = '{sidecars}'\n");
        let stage = Stage::with(Options { assets: Some(30), ..Options::default() }, &settings);
        let cloud = stage.simulator.cloud();
        stage.update().unwrap();
        let world = World::new(cloud);
        History { stage, world, with_sidecars, inodes: Inodes::new(), counts: Counts::default() }
    }

    fn round(&mut self, actions: &[Action], trouble: &Trouble, word: Word) {
        actions.iter().for_each(|action| self.world.act(action));
        self.counts.steps += actions.len();
        self.troubled(trouble);
        self.stage.update().unwrap();
        if matches!(trouble, Trouble::Loses(_)) {
            self.full();
        }
        self.decide(word);
        let held = Held::of(&self.stage);
        self.counts.rounds_while_held += usize::from(!held.assets.is_empty());
        self.assert_removed(&held);
        assert_follows(&self.stage, &held);
        assert_sidecars(&self.stage, self.with_sidecars);
        self.inodes = assert_stable(&self.stage, &self.inodes);
    }

    fn decide(&mut self, word: Word) {
        if self.stage.index.holds().unwrap().is_empty() {
            return;
        }
        self.counts.mass_deletions += 1;
        let decision = match word {
            Word::None => return,
            Word::Accept => Decision::Accept,
            Word::Reject => Decision::Reject,
        };
        self.counts.rejected += usize::from(decision == Decision::Reject);
        self.stage.index.decide(decision, None).unwrap();
    }

    /// What is held has been removed from where it is shown.
    fn assert_removed(&self, held: &Held) {
        let truth = self.stage.simulator.cloud().truth();
        let is_shown = |name: &&String| {
            truth.assets().any(|asset| {
                asset.record_name == **name && asset.state != icloud_simulator::library::TruthState::Trashed
            })
        };
        let wrong: Vec<_> = held.assets.iter().filter(is_shown).collect();
        assert!(wrong.is_empty(), "held, though nobody removed them: {wrong:?}");
    }

    /// A round in trouble may fail; what it must not do is to take away what the cloud has.
    fn troubled(&mut self, trouble: &Trouble) {
        let (endpoint, times, effect) = match trouble {
            Trouble::None => return,
            Trouble::Fails(endpoint, times, effect) => (*endpoint, *times, effect.clone()),
            Trouble::Loses(change) => ("changes/zone", 1, Effect::Answer(change.clone())),
        };
        let before: BTreeSet<Key> = found(&self.stage).into_keys().collect();
        self.stage.simulator.fault(Fault::every(endpoint, effect).times(times));
        self.counts.failed_rounds += usize::from(self.stage.update().is_err());
        let after: BTreeSet<Key> = found(&self.stage).into_keys().collect();
        let lost: Vec<&Key> = expected(&self.stage)
            .intersection(&before)
            .filter(|key| !after.contains(*key))
            .map(|key| before.get(key).unwrap())
            .collect();
        assert!(lost.is_empty(), "{trouble:?} takes away {lost:#?}");
        self.stage.simulator.state().faults.clear();
    }

    fn full(&self) {
        self.stage.runtime.block_on(self.stage.sync.round(Round::Full)).unwrap();
    }

    fn names(&self) -> Vec<(String, u64)> {
        self.stage.tree().into_iter().map(|(path, node)| (path, node.ino)).collect()
    }

    /// As another process finds it.
    fn reopened(self) -> History {
        let tree = self.names();
        let history = History { stage: self.stage.reopened(), ..self };
        assert_eq!(tree, history.names(), "a restart changes nothing");
        history
    }
}

/// One history: the same for the same seed.
fn play(seed: u64) -> Counts {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let mut history = History::new(seed);
    for round in 0..ROUNDS {
        if round % RESTART == RESTART - 1 {
            history = history.reopened();
        }
        let (actions, trouble, word) = (batch(), trouble(), word()).new_tree(&mut runner).unwrap().current();
        let played = catch_unwind(AssertUnwindSafe(|| history.round(&actions, &trouble, word)));
        if let Err(panic) = played {
            eprintln!("PHOTOSFS_MODEL_SEED={seed}: round {round}, {trouble:?}, {word:?}, after {actions:#?}");
            resume_unwind(panic);
        }
    }
    let tree = history.names();
    history.full();
    assert_eq!(tree, history.names(), "seed {seed}: a full listing finds what following the changes found");
    history.stage.simulator.assert_clean();
    history.counts
}

/// PHOTOSFS_MODEL_SEED plays the history of one seed.
#[test]
fn the_tree_follows_whatever_a_person_does() {
    let only = std::env::var("PHOTOSFS_MODEL_SEED").ok().map(|seed| seed.parse::<u64>().unwrap());
    let seeds: Vec<u64> = only.map_or_else(|| SEEDS.to_vec(), |seed| vec![seed]);
    let (queue, played) = (Mutex::new(seeds.iter()), Mutex::new(Vec::new()));
    let next = || queue.lock().unwrap().next();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(seed) = next() {
                    let counts = play(*seed);
                    played.lock().unwrap().push(counts);
                }
            });
        }
    });
    let played = played.into_inner().unwrap();
    let sum = |of: fn(&Counts) -> usize| played.iter().map(of).sum::<usize>();
    let (steps, held, while_held) = (sum(|h| h.steps), sum(|h| h.mass_deletions), sum(|h| h.rounds_while_held));
    let (rejected, failed) = (sum(|h| h.rejected), sum(|h| h.failed_rounds));
    println!(
        "{} histories, {steps} steps, {held} times removals waited, {rejected} times they were rejected, {while_held} rounds \
         with photos held, {failed} rounds failed",
        played.len()
    );
    let has_everything = steps >= 10_000 && held > 0 && rejected > 0 && while_held > 0 && failed > 0;
    assert!(only.is_some() || has_everything, "{played:?}");
}
