package law

import "time"

// Terms are what a center may ask for and how long things may take. Every
// center sets its own; every replica must have the same, since the fold judges
// by them.
type Terms struct {
	Hold        time.Duration // a stop, from the moment it took effect: 48 hours (PBoC 86/2016, art. 2)
	Stops       int           // terms of one account in a case, in all: twice (same)
	Freeze      time.Duration // 6 months, renewable (criminal procedure rules on freezing, 2013)
	Respond     time.Duration // how long a bank has before a person is called; ours
	Announce    time.Duration // a proportional return, for objections: 30 days (rules on returning frozen funds, 2016)
	ReturnDays  int           // working days that a bank has to pay back: 3 (same)
	Appeal      time.Duration // until an appeal is decided: at once when verified (2022, art. 32); the number is ours
	Visit       time.Duration // until a dissuasion visit is confirmed, at each level; ours
	VisitLevels int           // grid, district, city; ours
	AutoLimit   int64         // minor units up to which no person need approve; ours
	MaxHops     int           // how deep money is followed: 6; Pix MED 2.0 follows 5 layers
	MaxStops    int           // of one case that follow from its trail; ours
	MinTrace    int64         // minor units below which a part is not followed; ours
	Notice      time.Duration // how long before a hold ends a person is notified; ours
	Tiny        int64         // minor units below which a report alone stops nothing by itself; ours
	Reporter    int           // reports of one account in 30 days, from which on a person looks first; ours
	Claim       time.Duration // how long a case is locked to who took it, unless they go on; ours
	Calendar    *Calendar     // working days
}

// Default are the terms of China's rules, and ours where the rules are silent.
var Default = Terms{
	Hold: 48 * time.Hour, Stops: 2, Freeze: 183 * 24 * time.Hour, Respond: time.Minute,
	Announce: 30 * 24 * time.Hour, ReturnDays: 3,
	Appeal: 24 * time.Hour, Visit: 30 * time.Minute, VisitLevels: 3,
	AutoLimit: 50_000_000, MaxHops: 6, MaxStops: 500, MinTrace: 100_00,
	Notice: 12 * time.Hour, Tiny: 200_00, Reporter: 4, Claim: 10 * time.Minute, Calendar: China,
}

// Longest is how long an account may be under stops in one case, in milliseconds:
// twice 48 hours.
func (t *Terms) Longest() int64 { return int64(t.Stops) * t.Hold.Milliseconds() }

// Basis is what a request cites.
const Basis = "银发〔2016〕86号 第二条; 反电信网络诈骗法 第二十条"
