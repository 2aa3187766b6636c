package main

type replayCmd struct{}

func (replayCmd) Run() error { return nil }

type benchCmd struct{}

func (benchCmd) Run() error { return nil }
