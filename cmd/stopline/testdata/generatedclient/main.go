// A bank's life with a client that oapi-codegen made of the API document. It
// prints what it saw; the test that builds it says what that must be.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"
)

func main() {
	if err := live(context.Background()); err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

func amount(text string) Amount {
	var a Amount
	if err := a.FromAmount0(text); err != nil {
		panic(err)
	}
	return a
}

func ptr[T any](v T) *T { return &v }

func live(ctx context.Context) error {
	c, err := NewClientWithResponses(os.Getenv("URL"), WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+os.Getenv("KEY"))
		return nil
	}))
	if err != nil {
		return err
	}
	page, err := c.BankStopsWithResponse(ctx, &BankStopsParams{Wait: ptr("30s")})
	if err != nil || page.JSON200 == nil || len(page.JSON200.Stops) != 1 {
		return fmt.Errorf("poll: %w %s", err, page.Body)
	}
	s := page.JSON200.Stops[0]
	fmt.Println("polled", s.State, s.Account.Bank, s.Account.Number, s.Amount, s.Currency, s.RequestedAt != nil &&
		s.RespondBy != nil && s.RespondBy.After(*s.RequestedAt), s.EndsAt == nil)
	ack, err := c.AcknowledgeWithResponse(ctx, s.Id, &AcknowledgeParams{}, AcknowledgementBody{})
	if err != nil || ack.JSON200 == nil {
		return fmt.Errorf("acknowledge: %w %s", err, ack.Body)
	}
	fmt.Println("acknowledged", ack.JSON200.State)
	now := time.Now()
	answer, err := c.AnswerWithResponse(ctx, s.Id, &AnswerParams{IdempotencyKey: ptr("answer-" + s.Id)},
		OutcomeBody{Result: OutcomeBodyResultPartial, EffectiveAt: &now, HeldAmount: ptr(amount("3000.00")),
			Balance: ptr(amount("3000.00")),
			Onward: &[]OnwardBody{{Id: "CCB-9", ToAccount: ptr("2901"), ToBank: ptr("ABOC"), Amount: amount("2000.00"),
				At: now}}})
	if err != nil || answer.JSON200 == nil {
		return fmt.Errorf("answer: %w %s", err, answer.Body)
	}
	fmt.Println("answered", answer.JSON200.State, *answer.JSON200.HeldAmount, *answer.JSON200.Claim)
	swept, err := c.SweepWithResponse(ctx, s.Id, &SweepParams{}, SweepBody{Credit: "CCB-10", HeldAmount: amount("500.00")})
	if err != nil || swept.JSON200 == nil {
		return fmt.Errorf("sweep: %w %s", err, swept.Body)
	}
	read, err := c.BankStopWithResponse(ctx, s.Id, &BankStopParams{})
	if err != nil || read.JSON200 == nil {
		return fmt.Errorf("read: %w %s", err, read.Body)
	}
	hold := read.JSON200.EndsAt.Sub(now).Round(time.Hour)
	fmt.Println("read", read.JSON200.State, *read.JSON200.HeldAmount, *read.JSON200.Claim, hold)
	screened, err := c.ScreenWithResponse(ctx, &ScreenParams{},
		ScreeningBody{Id: "ASK-1", At: now, Payer: ScreeningParty{Account: ptr("1902"), Bank: ptr("PCBC")},
			Payee:  ScreeningParty{Account: ptr("2902"), Bank: ptr("ABOC")},
			Amount: amount("12.00"), Currency: "CNY", Channel: "mobile", Status: "initiated"})
	if err != nil || screened.JSON200 == nil {
		return fmt.Errorf("screen: %w %s", err, screened.Body)
	}
	fmt.Println("screened", screened.JSON200.Decision, len(screened.JSON200.Hits))
	wrong, err := c.AnswerWithResponse(ctx, s.Id, &AnswerParams{}, OutcomeBody{Result: OutcomeBodyResultMissed})
	if err != nil || wrong.ApplicationproblemJSON409 == nil {
		return fmt.Errorf("another answer: %w %s", err, wrong.Body)
	}
	fmt.Println("refused", wrong.ApplicationproblemJSON409.Status)
	return nil
}
