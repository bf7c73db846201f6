import { configure } from "@testing-library/react";

// The machine may have other things to do: what comes late is slow, not wrong.
configure({ asyncUtilTimeout: 15_000 });
