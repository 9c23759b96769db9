"""The training stages: sft, dpo, reward, ppo, grpo and external, each a process of its own around one trainer.

`launcher.run_stage` is the door: it takes a `spec.StageSpec`, starts the process, tells what it reports and gives a
`spec.StageResult`. Importing these imports no torch: the stage's own process does (`stage`).
"""
