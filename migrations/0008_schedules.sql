CREATE TABLE `schedules` (
	`name` text PRIMARY KEY NOT NULL,
	`cron` text NOT NULL,
	`tz` text NOT NULL,
	`manifest` text NOT NULL,
	`format` text,
	`collection` text,
	`tags` text,
	`window` text,
	`max_images` integer,
	`budget` text,
	`webhook_url` text,
	`strict` integer NOT NULL,
	`missed` text NOT NULL,
	`paused` integer NOT NULL,
	`created_at` integer NOT NULL,
	`dealt_until` integer NOT NULL,
	`last_due_at` integer,
	`last_batch_id` text,
	`last_error` text,
	CONSTRAINT "schedules_missed" CHECK("schedules"."missed" in ('late', 'skip'))
);
--> statement-breakpoint
ALTER TABLE `batches` ADD `told` text;--> statement-breakpoint
ALTER TABLE `batches` ADD `tell_attempts` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `batches` ADD `tell_at` integer;