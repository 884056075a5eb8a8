import { defineConfig } from "drizzle-kit";

// one file for each group of tables
export default defineConfig({ dialect: "sqlite", schema: "./src/catalog/schema/*.ts", out: "./migrations" });
