/// What makes Apple lock an account. The true numbers are not known; protocol/auth.md §6.4 has what others report.
#[derive(Default)]
pub struct Guard {
    /// When passwords were tried: seconds since the Unix epoch.
    pub times: Vec<i64>,
    /// Wrong passwords, in all.
    pub wrong_passwords: u32,
    pub lock_outs: u32,
    wrong_in_a_row: u32,
    is_locked: bool,
}

const WRONG_IN_A_ROW: u32 = 3;
const AN_HOUR: usize = 10;

impl Guard {
    /// Counts a password that was tried, and locks the account where `strict`; whether it is locked.
    pub fn tried(&mut self, right: bool, now_s: i64, strict: bool) -> bool {
        self.times.push(now_s);
        self.wrong_in_a_row = if right { 0 } else { self.wrong_in_a_row + 1 };
        self.wrong_passwords += u32::from(!right);
        let lately = self.times.iter().rev().take_while(|at| now_s - **at < 3600).count();
        if strict && !self.is_locked && (self.wrong_in_a_row >= WRONG_IN_A_ROW || lately > AN_HOUR) {
            self.is_locked = true;
            self.lock_outs += 1;
        }
        self.is_locked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_passwords_and_too_many_right_ones_lock() {
        let mut guard = Guard::default();
        let outcomes: Vec<bool> = [false, false, true, false, false, false]
            .into_iter()
            .enumerate()
            .map(|(n, right)| guard.tried(right, n as i64 * 3600, true))
            .collect();
        assert_eq!((outcomes, guard.lock_outs), (vec![false, false, false, false, false, true], 1));
        let mut guard = Guard::default();
        assert!((0..10).all(|n| !guard.tried(true, n * 60, true)));
        assert!(guard.tried(true, 600, true));
        assert!((0..50).all(|n| !Guard::default().tried(false, n, false)), "unless it is not asked to");
    }
}
