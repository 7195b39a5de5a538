//! Which snapshots a retention lets go. Pure.

use std::collections::BTreeSet;

use time::Date;

use crate::{manifest::Manifest, moment::Moment, name::SnapshotId};

/// How many snapshots of a name stay: of each kind, the newest of as many periods as its number says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// The newest ones, whenever they were taken.
    pub last: u32,
    /// The newest one of each day (in UTC, as all of these).
    pub daily: u32,
    /// The newest one of each week, which begins on Monday.
    pub weekly: u32,
    /// The newest one of each month.
    pub monthly: u32,
    /// The newest one of each year.
    pub yearly: u32,
}

/// What a retention knows about a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which one it is.
    pub id: SnapshotId,
    /// Whether it was read back from its store with all its hashes.
    pub verified: bool,
    /// Nobody removes it before that.
    pub keep_until: Option<Moment>,
}

impl Candidate {
    /// What a retention knows about the snapshot of a manifest.
    pub(crate) fn of(manifest: &Manifest) -> Self {
        Self {
            id: manifest.snapshot.clone(),
            verified: manifest.verified_at.is_some(),
            keep_until: manifest.keep_until,
        }
    }
}

impl Retention {
    /// Whether it lets nothing go: it says of nothing how much of it stays.
    pub fn is_unlimited(self) -> bool {
        self == Self::default()
    }

    /// The snapshots that go, oldest first: none that is held, and never the newest verified one.
    pub fn expired(self, snapshots: &[Candidate], now: Moment) -> Vec<SnapshotId> {
        if self.is_unlimited() {
            return Vec::new();
        }
        let mut newest_first: Vec<&Candidate> = snapshots.iter().collect();
        newest_first.sort_by(|a, b| (b.id.moment(), &b.id).cmp(&(a.id.moment(), &a.id)));
        let mut kept: BTreeSet<&SnapshotId> = BTreeSet::new();
        kept.extend(newest_first.iter().take(self.last as usize).map(|candidate| &candidate.id));
        keep_periods(&mut kept, &newest_first, self.daily, |date| date);
        keep_periods(&mut kept, &newest_first, self.weekly, |date| {
            let (year, week, _) = date.to_iso_week_date();
            (year, week)
        });
        keep_periods(&mut kept, &newest_first, self.monthly, |date| (date.year(), u8::from(date.month())));
        keep_periods(&mut kept, &newest_first, self.yearly, Date::year);
        kept.extend(newest_first.iter().find(|candidate| candidate.verified).map(|candidate| &candidate.id));
        kept.extend(
            newest_first.iter().filter(|one| one.keep_until > Some(now)).map(|candidate| &candidate.id),
        );
        let gone = newest_first.iter().rev().map(|candidate| &candidate.id).filter(|id| !kept.contains(id));
        gone.cloned().collect()
    }
}

/// Keeps the newest snapshot of each of the `count` newest periods that have one.
fn keep_periods<'a, P: PartialEq>(
    kept: &mut BTreeSet<&'a SnapshotId>,
    newest_first: &[&'a Candidate],
    count: u32,
    period: impl Fn(Date) -> P,
) {
    let mut seen = Vec::new();
    for candidate in newest_first {
        let period = period(candidate.id.moment().date());
        if seen.last() == Some(&period) {
            continue;
        }
        if seen.len() == count as usize {
            return;
        }
        seen.push(period);
        kept.insert(&candidate.id);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 86_400;

    fn candidate(seconds: i64, verified: bool, keep_until: Option<i64>) -> Candidate {
        let moment = Moment::from_unix(seconds).unwrap();
        let id = SnapshotId::new(&"prod".parse().unwrap(), moment, &seconds.to_string());
        Candidate { id, verified, keep_until: keep_until.and_then(Moment::from_unix) }
    }

    fn days_kept(retention: Retention, days: i64) -> Vec<i64> {
        let start = Moment::parse("2026-01-01T02:00:00Z").unwrap().unix();
        let all: Vec<_> = (0..days).map(|day| candidate(start + day * DAY, true, None)).collect();
        let gone = retention.expired(&all, Moment::from_unix(start + days * DAY).unwrap());
        let stays = |day: &i64| !gone.contains(&all[usize::try_from(*day).unwrap()].id);
        (0..days).filter(stays).collect()
    }

    #[test]
    fn fourteen_days_and_four_weeks_stay() {
        let retention = Retention { daily: 14, weekly: 4, ..Retention::default() };
        // Day 59 is Sunday the 1st of March 2026, day 38 a Sunday as well.
        let kept = days_kept(retention, 60);
        assert_eq!(kept, [38, 45].into_iter().chain(46..60).collect::<Vec<_>>());
    }

    #[test]
    fn months_and_years_keep_their_newest() {
        let retention = Retention { monthly: 3, yearly: 2, ..Retention::default() };
        // Days 364 and 365 are the last of 2026 and the first of 2027.
        assert_eq!(days_kept(retention, 366), [333, 364, 365]);
        assert_eq!(days_kept(Retention { last: 2, ..Retention::default() }, 5), [3, 4]);
        assert_eq!(days_kept(Retention::default(), 5), [0, 1, 2, 3, 4], "no retention does not limit");
    }

    fn any_candidates() -> impl Strategy<Value = Vec<Candidate>> {
        let one = (0..800 * DAY, any::<bool>(), proptest::option::of(0..900 * DAY));
        proptest::collection::vec(one, 0..60).prop_map(|all| {
            let mut all: Vec<_> =
                all.into_iter().map(|(at, verified, hold)| candidate(at, verified, hold)).collect();
            all.sort_by(|a, b| a.id.cmp(&b.id));
            all.dedup_by(|a, b| a.id == b.id);
            all
        })
    }

    fn any_retention() -> impl Strategy<Value = Retention> {
        (0..5_u32, 0..9_u32, 0..6_u32, 0..6_u32, 0..3_u32).prop_map(
            |(last, daily, weekly, monthly, yearly)| Retention { last, daily, weekly, monthly, yearly },
        )
    }

    proptest! {
        #[test]
        fn what_must_stay_stays(all in any_candidates(), retention in any_retention(), now in 0..900 * DAY) {
            let now = Moment::from_unix(now).unwrap();
            let gone = retention.expired(&all, now);
            let newest = |wanted: &dyn Fn(&Candidate) -> bool| {
                all.iter().filter(|one| wanted(one)).map(|one| &one.id).max()
            };
            if let Some(newest) = newest(&|one| one.verified) {
                prop_assert!(!gone.contains(newest), "the newest verified one");
            }
            for one in all.iter().filter(|one| one.keep_until > Some(now)) {
                prop_assert!(!gone.contains(&one.id), "one that is held");
            }
            if let Some(newest) = newest(&|_| true).filter(|_| !retention.is_unlimited()) {
                prop_assert!(!gone.contains(newest), "the newest one");
            }
            let stays = all.len() - gone.len();
            let held = all.iter().filter(|one| one.keep_until > Some(now)).count();
            let most = retention.last + retention.daily + retention.weekly + retention.monthly + retention.yearly;
            if !retention.is_unlimited() {
                prop_assert!(stays <= most as usize + 1 + held);
            }
        }

        #[test]
        fn another_prune_finds_nothing_to_do(all in any_candidates(), retention in any_retention()) {
            let now = Moment::from_unix(0).unwrap().after(Duration::from_secs(1));
            let gone = retention.expired(&all, now);
            let left: Vec<_> = all.into_iter().filter(|one| !gone.contains(&one.id)).collect();
            prop_assert_eq!(retention.expired(&left, now), Vec::new());
        }
    }
}
