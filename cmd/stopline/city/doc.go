// Package city is a simulated city, from a seed: people with salaries, rent,
// shops, family and telephones; gangs that talk some of them out of their
// savings and move the money through chains of mules to cash; hotlines that
// the victims call in the end; and banks that keep balances and answer stops
// over the public API.
//
// It knows the truth, and the service never sees it: the city speaks to the
// service as banks, telecoms and hotlines do, through Kafka and HTTP. The same
// seed, and the same holds at the same moments, make the same city.
//
// Start with [New], [City.Advance] and [Banks].
package city
