package event

import (
	"crypto/sha256"
	"encoding/base32"
	"strconv"
	"strings"
)

// crockford is the alphabet of ULIDs: no letter that is taken for a digit.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// DerivedID makes an id out of what caused the thing that it names, so that
// doing it again makes the same id: "stp_" and 26 characters.
func DerivedID(prefix string, parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(strconv.Itoa(len(p))))
		h.Write([]byte{':'})
		h.Write([]byte(p))
	}
	return prefix + "_" + crockford.EncodeToString(h.Sum(nil)[:16])
}

// Digest is the same for reports that say the same, however they wrote it. When
// a report was made is not part of it: who sends it again may say another time.
func (r *Report) Digest() string {
	parts := []string{r.Source, r.District, r.FraudType, r.Victim.Holder, r.Victim.Phone, strconv.Itoa(len(r.Transfers))}
	for i := range r.Transfers {
		t := &r.Transfers[i]
		parts = append(parts, t.ID, t.PayerAccount, t.PayeeAccount, t.PayeeBank,
			strconv.FormatInt(t.Amount.Minor, 10), string(t.Amount.Currency), t.At.String())
	}
	return DerivedID("dig", append(parts, r.Callers...)...)
}

// TransferKey names a transfer in the history of its payer's account. Its low
// 16 bits are zero: states keep their marks there.
func TransferKey(payerAccount, id string) uint64 {
	var buf [128]byte
	key := append(append(append(buf[:0], payerAccount...), '|'), id...)
	return HashBytes(key) &^ (1<<16 - 1)
}

// StopID is the id of the stop of one transfer's money on one account.
func StopID(transfer uint64, account string) string {
	return DerivedID("stp", strconv.FormatUint(transfer, 16), account)
}

// CaseID is the id of the case of a victim, whom the account that paid names.
func CaseID(payerAccount string) string { return DerivedID("cas", strings.TrimSpace(payerAccount)) }
