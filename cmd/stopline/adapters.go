package main

import (
	"context"
	"errors"

	"stopline.internal/api/center"
	"stopline.internal/api/wire"
	"stopline.internal/cmd/stopline/backtest"
	"stopline.internal/scoring"
	"stopline.internal/stream"
	"stopline.internal/stream/event"
	"stopline.internal/stream/kafka"
)

func (i intake) Taint(ctx context.Context, taints ...*event.Taint) error {
	msgs := make([]kafka.Message, len(taints))
	for n, t := range taints {
		msgs[n] = stream.TaintMessage(i.topics, t)
	}
	return i.documents.Write(ctx, msgs...)
}

// backtest scores the books again for the API.
func (s *service) backtest(p plan) center.Backtest {
	return func(ctx context.Context, from, to event.Instant, candidate, live *scoring.Catalogue) (*wire.Backtest, error) {
		src, err := backtest.Books(ctx, s.warehouse, from, to, event.NewNumbers(p.tuning.Country), func(int) {})
		if err != nil {
			return nil, err
		}
		res, err := backtest.Run(ctx, src, backtest.NewTruth(), p.policy, candidate, live)
		if err != nil {
			return nil, err
		}
		r := res.Report("the books", p.clock(), candidate, live)
		figures := func(f *backtest.Figures) wire.BacktestFigures {
			out := wire.BacktestFigures{Version: f.Catalogue, Frauds: f.Frauds, Caught: f.Caught,
				Missed: f.Frauds - f.Caught, False: f.False, Honest: f.Honest, FalseStops: f.FalseStops, Precision: f.Precision,
				Recall: f.Recall, Days: []wire.BacktestDay{}}
			for _, d := range f.Days {
				out.Days = append(out.Days, wire.BacktestDay(d))
			}
			return out
		}
		out := &wire.Backtest{From: r.From, To: r.To, Events: r.Events, Seconds: r.Seconds,
			Candidate: figures(&r.Candidate), Live: figures(r.Live), Difference: []wire.BacktestChange{}}
		for _, c := range r.Difference {
			out.Difference = append(out.Difference, wire.BacktestChange(c))
		}
		return out, nil
	}
}

// deadLetters shows the dead letters to the API.
type deadLetters struct{ *stream.DeadLetters }

func (r deadLetters) Newest(ctx context.Context, limit int) ([]wire.DeadLetter, error) {
	found, err := r.DeadLetters.Newest(ctx, limit)
	out := make([]wire.DeadLetter, len(found))
	for i, l := range found {
		out[i] = wire.DeadLetter{Partition: l.Partition, Offset: l.Offset, Topic: l.Topic,
			Reason: l.Reason, Error: l.Error, At: l.At, Bytes: len(l.Document), Document: wire.Shown(l.Document),
			Problems: []wire.DeadLetterProblem{}}
		for _, p := range l.Problems {
			out[i].Problems = append(out[i].Problems, wire.DeadLetterProblem(p))
		}
	}
	return out, err
}

func (r deadLetters) Replay(ctx context.Context, partition int, offset int64) error {
	err := r.DeadLetters.Replay(ctx, partition, offset)
	if errors.Is(err, stream.ErrNoDeadLetter) {
		return center.ErrGone
	}
	return err
}

// intake sends the API's documents the way of any source's.
type intake struct {
	documents *kafka.Producer
	topics    stream.Topics
}

func (i intake) Report(ctx context.Context, id string, doc []byte) error {
	return i.documents.Write(ctx, kafka.Message{Topic: i.topics.Reports, Key: []byte(id), Value: doc})
}

func (i intake) Watch(ctx context.Context, entity string, doc []byte) error {
	return i.documents.Write(ctx, kafka.Message{Topic: i.topics.Watchlist, Key: []byte(entity), Value: doc})
}
