import Theme from "vitepress/theme-without-fonts"; // the system's: nothing to load
import "./site.css";

export default Theme;
